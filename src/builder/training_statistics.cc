#include "builder/training_statistics.h"

#include <algorithm>
#include <cmath>

#include "builder/profiles.h"
#include "builder/sample_runner.h"

namespace burnish {
namespace {

/// Samples that are looked at: means over many elements settle soon.
constexpr size_t kEnough = 64;
/// Of the typical (median) channel: shift of the mean in standard deviations, and log₂ of the variances' ratio.
constexpr double kMostShift = 1;
constexpr double kMostRatio = 2;

struct Moments {
  double sum = 0, squares = 0;
  int64_t count = 0;
  double mean() const { return sum / static_cast<double>(std::max<int64_t>(count, 1)); }
  double variance() const {
    return std::max(0.0, squares / static_cast<double>(std::max<int64_t>(count, 1)) - mean() * mean());
  }
};

bool has_statistics(const Graph& graph, const Node& n) {
  if (n.op != "BatchNormalization" || n.attrs.get_int("training_mode", 0) != 0) return false;
  for (int i : {3, 4}) {
    const Value& v = graph.value(n.input(i));
    if (!v.is_constant() || v.constant.dtype() != DType::kFloat32) return false;
  }
  const auto all = [&](int i, float expected) {
    const Tensor& t = graph.value(n.input(i)).constant;
    return std::all_of(t.as<float>(), t.as<float>() + t.num_elements(), [&](float x) { return x == expected; });
  };
  return !(all(3, 0) && all(4, 1));
}

/// Those that no other stands before: what reaches them depends on the fewest layers.
std::vector<NodeId> first_normalisations(const Graph& graph) {
  std::vector<bool> behind(static_cast<size_t>(graph.num_value_ids()), false);
  std::vector<NodeId> first;
  for (NodeId id : graph.topological_order()) {
    const Node& n = graph.node(id);
    bool later =
        std::ranges::any_of(n.inputs, [&](ValueId v) { return v != kNoValue && behind[static_cast<size_t>(v)]; });
    if (!later && has_statistics(graph, n)) first.push_back(id);
    later = later || n.op == "BatchNormalization";
    for (ValueId v : n.outputs) {
      if (v != kNoValue) behind[static_cast<size_t>(v)] = later;
    }
  }
  return first;
}

/// An engine that computes this value and nothing more; all its outputs are it.
EngineData engine_up_to(ModelCompiler& compiler, const OptimizationProfile& profile, ValueId value) {
  Graph graph = compiler.model();
  specialize(graph, profile);
  for (const auto& output : std::vector<Graph::Output>(graph.outputs())) graph.replace_output(output.value, value);
  graph.remove_dead_nodes();
  PipelineOptions passes;
  passes.opt_level = compiler.options().opt_level;
  run_passes(graph, passes);
  BlobStore blobs;
  Plan plan = compiler.compile(graph, profile, blobs);
  return compiler.engine_of({std::move(plan)}, std::move(blobs));
}

/// By channel, which is axis 1.
void add_moments(const TensorView& view, std::vector<Moments>& channels) {
  const int64_t inner = view.shape.product(2, view.shape.rank());
  const auto* data = view.as<const float>();
  for (int64_t row = 0; row < view.shape[0] * view.shape[1]; ++row) {
    Moments& m = channels[static_cast<size_t>(row % view.shape[1])];
    for (int64_t i = 0; i < inner; ++i) {
      m.sum += *data;
      m.squares += double{*data} * *data;
      ++data;
    }
    m.count += inner;
  }
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<int64_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::optional<Warning> compare(const Graph& graph, const Node& n, const std::vector<Moments>& seen) {
  const auto* means = graph.value(n.input(3)).constant.as<float>();
  const auto* variances = graph.value(n.input(4)).constant.as<float>();
  const double epsilon = n.attrs.get_float("epsilon", 1e-5F);
  std::vector<double> shifts, ratios;
  for (size_t c = 0; c < seen.size(); ++c) {
    const double trained = variances[c] + epsilon;
    shifts.push_back(std::abs(seen[c].mean() - means[c]) / std::sqrt(trained));
    ratios.push_back(std::log2((seen[c].variance() + epsilon) / trained));
  }
  const double shift = median(shifts), ratio = median(ratios);
  if (shift <= kMostShift && std::abs(ratio) <= kMostRatio) return std::nullopt;
  const std::string& value = graph.value(n.input(0)).name;
  return Warning{value, WarningKind::kOtherDistribution, std::max(shift, std::abs(ratio)),
                 fmt::format("'{}': the model was trained on other inputs: there, a typical channel is {:.3g} standard "
                             "deviations off its mean and varies {:.3g} times as much; prepare the samples as in "
                             "training (scaled, normalised)",
                             value, shift, std::exp2(ratio / 2))};
}

}  // namespace

std::vector<Warning> check_training_statistics(ModelCompiler& compiler, const OptimizationProfile& profile,
                                               const Samples& samples, const std::vector<int64_t>& indices) {
  const Graph& graph = compiler.model();
  std::vector<Warning> warnings;
  for (NodeId id : first_normalisations(graph)) {
    const Node& n = graph.node(id);
    if (graph.is_input(n.input(0))) continue;
    std::vector<Moments> seen(static_cast<size_t>(graph.value(n.input(3)).constant.num_elements()));
    SampleRunner runner(engine_up_to(compiler, profile, n.input(0)), compiler.target());
    runner.run(samples, std::span(indices).first(std::min(indices.size(), kEnough)),
               [&](const SampleRunner::Batch& batch) { add_moments(batch.outputs.begin()->second, seen); });
    if (auto warning = compare(graph, n, seen)) warnings.push_back(std::move(*warning));
  }
  return warnings;
}

}  // namespace burnish
