#include "builder/observation.h"

#include "base/thread_pool.h"

namespace burnish {

EngineData compile_visible(ModelCompiler& compiler, const Graph& graph, const OptimizationProfile& profile,
                           const std::set<std::string>& values) {
  Graph visible = graph;
  std::set<std::string> taken;
  for (const auto& output : graph.outputs()) taken.insert(output.name);
  for (const std::string& name : values) {
    const ValueId v = visible.find_value(name);
    if (v != kNoValue && !taken.contains(name)) visible.add_output(v, name);
  }
  BlobStore blobs;
  Plan plan = compiler.compile(visible, profile, blobs);
  return compiler.engine_of({std::move(plan)}, std::move(blobs));
}

Observations observe(ModelCompiler& compiler, const Graph& graph, const OptimizationProfile& profile,
                     const std::map<std::string, int>& axes, const Samples& samples, std::span<const int64_t> indices) {
  Observations observations;
  std::set<std::string> names;
  for (const auto& [name, axis] : axes) {
    names.insert(name);
    observations.emplace(name, Observer(axis));
  }
  std::vector<std::pair<const std::string*, Observer*>> observers;
  for (auto& [name, observer] : observations) observers.emplace_back(&name, &observer);
  SampleRunner runner(compile_visible(compiler, graph, profile, names), compiler.target());
  ThreadPool pool(compiler.target().num_threads);
  const auto total = static_cast<int64_t>(indices.size());
  int64_t done = 0;
  compiler.reporter().advance("calibrate", 0, total);
  runner.run(samples, indices, [&](const SampleRunner::Batch& batch) {
    const auto count = static_cast<int64_t>(batch.indices.size());
    pool.for_ranges(static_cast<int64_t>(observers.size()), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const auto& [name, observer] = observers[static_cast<size_t>(i)];
        const TensorView& view = batch.outputs.at(*name);
        observer->observe(view.as<const float>(), view.shape, count);
      }
    });
    done += count;
    compiler.reporter().advance("calibrate", done, total);
  });
  return observations;
}

}  // namespace burnish
