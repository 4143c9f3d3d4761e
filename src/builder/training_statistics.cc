#include "builder/training_statistics.h"

#include <algorithm>
#include <cmath>

#include "builder/observation.h"
#include "builder/profiles.h"

namespace burnish {
namespace {

/// The first layers tell most of the inputs, and cost least to run.
constexpr size_t kMostNormalisations = 3;
constexpr size_t kMostSamples = 64;
/// The median channel's mean may be off by this many standard deviations…
constexpr double kMostShift = 0.7;
/// …and its standard deviation by this factor.
constexpr double kMostSpread = 2.5;

/// One BatchNormalization with constant statistics.
struct Remembered {
  std::string input, name;
  std::vector<float> mean, variance;
};

std::vector<float> floats(const Tensor& t) {
  return {t.as<float>(), t.as<float>() + t.num_elements()};
}

std::vector<Remembered> find_normalisations(const Graph& graph) {
  std::vector<Remembered> found;
  for (NodeId id : graph.topological_order()) {
    const Node& n = graph.node(id);
    if (n.op != "BatchNormalization" || n.inputs.size() < 5 || n.attrs.get_int("training_mode", 0) != 0) continue;
    const Value& mean = graph.value(n.input(3));
    const Value& variance = graph.value(n.input(4));
    const bool plain = mean.is_constant() && variance.is_constant() && mean.constant.dtype() == DType::kFloat32 &&
                       variance.constant.dtype() == DType::kFloat32 && !graph.value(n.input(0)).is_constant() &&
                       graph.value(n.input(0)).type.dtype == DType::kFloat32;
    if (plain) {
      found.push_back({graph.value(n.input(0)).name, n.name, floats(mean.constant), floats(variance.constant)});
    }
    if (found.size() == kMostNormalisations) break;
  }
  return found;
}

struct Moments {
  std::vector<double> sum, square;
  double count = 0;  // of a channel

  /// view is [N, C, …].
  void add(const TensorView& view) {
    const int64_t channels = view.shape[1];
    const int64_t inner = view.shape.product(2, view.shape.rank());
    sum.resize(static_cast<size_t>(channels), 0.0);
    square.resize(static_cast<size_t>(channels), 0.0);
    const auto* x = view.as<const float>();
    for (int64_t row = 0; row < view.shape[0] * channels; ++row, x += inner) {
      double s = 0;
      double q = 0;
      for (int64_t i = 0; i < inner; ++i) {
        s += x[i];
        q += double{x[i]} * x[i];
      }
      sum[static_cast<size_t>(row % channels)] += s;
      square[static_cast<size_t>(row % channels)] += q;
    }
    count += static_cast<double>(view.shape[0] * inner);
  }
};

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<int64_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::optional<Warning> compare(const Remembered& remembered, const Moments& seen) {
  std::vector<double> shifts;
  std::vector<double> spreads;
  for (size_t c = 0; c < seen.sum.size() && c < remembered.mean.size(); ++c) {
    const double sigma = std::sqrt(double{remembered.variance[c]});
    if (!(sigma > 1e-6)) continue;
    const double mean = seen.sum[c] / seen.count;
    const double deviation = std::sqrt(std::max(0.0, seen.square[c] / seen.count - mean * mean));
    shifts.push_back(std::fabs(mean - remembered.mean[c]) / sigma);
    spreads.push_back(std::fabs(std::log(std::max(deviation / sigma, 1e-6))));
  }
  const double shift = median(shifts);
  const double spread = std::exp(median(spreads));
  if (shift <= kMostShift && spread <= kMostSpread) return std::nullopt;
  return Warning{remembered.input, WarningKind::kOtherTraining, shift,
                 fmt::format("what reaches '{}' is not what the model was trained on: means are off by {:.1f} standard "
                             "deviations and spreads by a factor of {:.1f} (median of the channels); check that the "
                             "samples are scaled and normalised as the model wants them",
                             remembered.name, shift, spread)};
}

/// The model up to these values.
Graph cut(const Graph& model, const OptimizationProfile& profile, const std::vector<Remembered>& normalisations) {
  Graph graph = model;
  specialize(graph, profile);
  graph.clear_outputs();
  for (const Remembered& r : normalisations) graph.add_output(graph.find_value(r.input), r.input);
  PipelineOptions options;
  options.disabled = {"fold_batch_norm"};
  run_passes(graph, options);
  return graph;
}

}  // namespace

std::vector<Warning> check_training_statistics(ModelCompiler& compiler, const OptimizationProfile& profile,
                                               const Samples& samples, std::span<const int64_t> indices) {
  const std::vector<Remembered> normalisations = find_normalisations(compiler.model());
  if (normalisations.empty()) return {};
  const Graph graph = cut(compiler.model(), profile, normalisations);
  SampleRunner runner(compile_visible(compiler, graph, profile, {}), compiler.target().num_threads);
  std::map<std::string, Moments> moments;
  runner.run(samples, indices.first(std::min(indices.size(), kMostSamples)), [&](const SampleRunner::Batch& batch) {
    for (const auto& [name, view] : batch.outputs) {
      if (view.shape.rank() >= 2) moments[name].add(view);
    }
  });
  std::vector<Warning> warnings;
  for (const Remembered& r : normalisations) {
    if (auto warning = compare(r, moments[r.input])) warnings.push_back(std::move(*warning));
  }
  return warnings;
}

}  // namespace burnish
