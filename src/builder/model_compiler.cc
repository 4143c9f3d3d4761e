#include "builder/model_compiler.h"

#include "builder/build_target.h"
#include "builder/profiles.h"
#include "passes/precision.h"

namespace burnish {

ModelCompiler::ModelCompiler(const Graph& model, const BuildSettings& settings, const Target& target)
    : model_(model),
      settings_(settings),
      target_(target),
      cache_(TimingCache::load(settings.options.timing_cache, settings.reporter)),
      tuner_(target_, cache_, settings.options.opt_level) {
  messages_only_.poll = settings_.reporter.poll;
  messages_only_.message = [this](LogLevel level, std::string_view text) {
    // What every pass of every trial did is of interest to nobody.
    if (level != LogLevel::kVerbose) settings_.reporter.log(level, text);
  };
}

PipelineOptions ModelCompiler::pipeline_options(const PrecisionPlan* precision) const {
  PipelineOptions passes;
  passes.opt_level = options().opt_level;
  passes.disabled = options().disabled_passes;
  passes.precision = precision;
  passes.strided_reads = target_.is_cuda();
  passes.mixed_images = target_.is_cuda();
  passes.several_results = target_.is_cuda();
  passes.tf32 = has_tf32(target_) && options().precision.tf32;
  passes.reporter = stage_reporter();
  return passes;
}

ModelCompiler::Optimised ModelCompiler::optimise(const OptimizationProfile& profile, bool channels_last,
                                                 bool to_be_lowered) const {
  stage_reporter().advance("optimise", 0, 1);
  Optimised result{model_, {}};
  specialize(result.graph, profile);
  const PrecisionPlan nothing;
  PipelineOptions passes = pipeline_options(to_be_lowered ? &nothing : nullptr);
  passes.channels_last = channels_last;
  if (to_be_lowered) passes.several_results = false;  // lower() looks at products one by one
  result.report = run_passes(result.graph, passes);
  stage_reporter().advance("optimise", 1, 1);
  return result;
}

ModelCompiler::Optimised ModelCompiler::lower(Optimised optimised, const PrecisionPlan& plan) const {
  const PipelineReport report = lower_passes(optimised.graph, pipeline_options(&plan));
  for (const auto& [kind, count] : report.fused) optimised.report.fused[kind] += count;
  optimised.report.nodes_after = report.nodes_after;
  return optimised;
}

Plan ModelCompiler::compile(const Graph& graph, const OptimizationProfile& profile, BlobStore& blobs) {
  CompileSession session{target_, tuner_, blobs, stage_reporter()};
  return compile_plan(graph, profile, session);
}

EngineData ModelCompiler::engine_of(std::vector<Plan> plans, BlobStore blobs) const {
  EngineData data;
  data.target_kind = target_.kind;
  data.target_isa = target_.is_cuda() ? fmt::format("sm_{}", target_.sm) : std::string(name_of(target_.isa));
  data.target_fingerprint = target_.fingerprint();
  data.plans = std::move(plans);
  data.blobs = blobs.take();
  return data;
}

void ModelCompiler::save_cache() {
  const std::string& path = options().timing_cache;
  if (cache_.changed() && !path.empty()) cache_.save(path, reporter());
}

}  // namespace burnish
