#include "builder/layer_noise.h"

#include <cmath>
#include <limits>

#include "ops/encoding.h"

namespace burnish {
namespace {

/// What reaches a layer with an error leaves it with one; this share of it counts, so that layers behind each other
/// keep an order.
constexpr double kPassedOn = 0.05;

struct Energy {
  double signal = 0;
  double noise = 0;
  double ratio() const { return signal > 0 ? noise / signal : (noise > 0 ? 1.0 : 0.0); }
};

std::vector<float> floats_of(const TensorView& view, const std::string& name, const PrecisionPlan& plan) {
  std::vector<float> values(static_cast<size_t>(view.num_elements()));
  Encoding encoding{view.dtype};
  if (encoding.is_integer()) encoding = plan.values.at(name).encoding;
  decode(view, encoding, values.data());
  return values;
}

using Values = std::map<std::string, std::vector<float>>;

/// The values of all samples, by name.
Values collect(EngineData engine, const Target& target, const std::set<std::string>& names, const PrecisionPlan& plan,
               const Samples& samples, const std::vector<int64_t>& indices) {
  Values collected;
  SampleRunner runner(std::move(engine), target);
  runner.run(samples, indices, [&](const SampleRunner::Batch& batch) {
    for (const std::string& name : names) {
      const std::vector<float> part = floats_of(batch.outputs.at(name), name, plan);
      std::vector<float>& all = collected[name];
      all.insert(all.end(), part.begin(), part.end());
    }
  });
  return collected;
}

Energy compare(const std::vector<float>& reference, const std::vector<float>& lowered) {
  Energy e;
  for (size_t i = 0; i < reference.size() && i < lowered.size(); ++i) {
    const double d = double{lowered[i]} - reference[i];
    e.signal += double{reference[i]} * reference[i];
    e.noise += d * d;
  }
  return e;
}

}  // namespace

std::vector<LayerNoise> measure_noise(ModelCompiler& compiler, const OptimizationProfile& profile, const Graph& graph,
                                      const PrecisionPlan& plan, const std::vector<Layer>& layers,
                                      const Samples& samples, const std::vector<int64_t>& indices) {
  std::set<std::string> names;
  for (const Layer& layer : layers) names.insert({layer.output, graph.value(layer.input).name});
  const Target& target = compiler.target();
  const Graph lowered = compiler.lower({graph, {}}, plan).graph;
  // Inputs of the graph carry no error, and cannot be outputs.
  std::erase_if(names, [&](const std::string& n) { return graph.is_input(graph.find_value(n)); });
  const Values reference =
      collect(compile_visible(compiler, graph, profile, names), target, names, {}, samples, indices);
  const Values actual =
      collect(compile_visible(compiler, lowered, profile, names), target, names, plan, samples, indices);
  std::map<std::string, Energy> energies;
  for (const std::string& name : names) energies[name] = compare(reference.at(name), actual.at(name));
  std::vector<LayerNoise> noises;
  for (const Layer& layer : layers) {
    const double out = energies[layer.output].ratio();
    const double in = energies[graph.value(layer.input).name].ratio();
    const double db = out > 0 ? -10 * std::log10(out) : std::numeric_limits<double>::infinity();
    noises.push_back({db, std::max(out - in, kPassedOn * out)});
  }
  return noises;
}

}  // namespace burnish
