#include "builder/build_engine.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/thread_pool.h"
#include "builder/boundary.h"
#include "builder/profiles.h"
#include "compile/compile.h"
#include "engine/engine_file.h"
#include "onnx/importer.h"
#include "passes/pipeline.h"

namespace burnish {
namespace {

constexpr int kMaxOptLevel = 5;
/// From here on both layouts of images are compiled and the faster plan is kept.
constexpr int kCompareLayoutsLevel = 4;

void check_options(const BuildOptions& options) {
  check(options.opt_level >= 0 && options.opt_level <= kMaxOptLevel, ErrorCode::kInvalidArgument,
        "the optimisation level is 0 to {}, not {}", kMaxOptLevel, options.opt_level);
  check(options.num_threads >= 0 && options.num_threads <= 4096, ErrorCode::kInvalidArgument,
        "{} threads are not possible", options.num_threads);
  check(options.memory_limit_bytes >= 0, ErrorCode::kInvalidArgument, "the memory limit is negative");
  const auto table = pass_table();
  for (const std::string& name : options.disabled_passes) {
    const bool known = std::any_of(table.begin(), table.end(), [&](const PassInfo& p) { return p.name == name; });
    if (known) continue;
    std::vector<std::string_view> names;
    for (const PassInfo& p : table) names.push_back(p.name);
    throw Error(ErrorCode::kInvalidArgument, fmt::format("there is no pass '{}'", name))
        .with_hint(fmt::format("passes: {}", fmt::join(names, ", ")));
  }
}

class Build {
 public:
  Build(const BuildSettings& settings, const Target& target)
      : settings_(settings),
        options_(settings.options),
        reporter_(settings.reporter),
        target_(target),
        cache_(TimingCache::load(options_.timing_cache, reporter_)),
        tuner_(target_, cache_, options_.opt_level) {}

  BuiltEngine run(const std::string& model_path) {
    reporter_.advance("import", 0, 1);
    Graph model = import_model_file(model_path);
    if (settings_.after_import) settings_.after_import(model);
    reporter_.advance("import", 1, 1);
    const auto profiles = resolve_profiles(model, options_.profiles, reporter_);
    for (const OptimizationProfile& profile : profiles) {
      out_.data.plans.push_back(plan_for(model, profile));
    }
    if (cache_.changed() && !options_.timing_cache.empty()) cache_.save(options_.timing_cache, reporter_);
    check_memory(profiles);
    describe(model);
    out_.data.blobs = blobs_.take();
    return std::move(out_);
  }

 private:
  Plan plan_for(const Graph& model, const OptimizationProfile& profile) {
    if (options_.opt_level < kCompareLayoutsLevel || !has_images(model)) return compile(model, profile, true);
    const BlobStore before = blobs_;
    const BuildReport report_before = out_.report;
    Plan last = compile(model, profile, true);
    std::swap(blobs_, trial_ = before);
    std::swap(out_.report, trial_report_ = report_before);
    Plan first = compile(model, profile, false);
    reporter_.log(LogLevel::kVerbose, fmt::format("layouts: channels last {:.3f} ms, channels first {:.3f} ms",
                                                  last.predicted_us / 1e3, first.predicted_us / 1e3));
    if (first.predicted_us < last.predicted_us) return first;
    std::swap(blobs_, trial_);
    std::swap(out_.report, trial_report_);
    return last;
  }

  static bool has_images(const Graph& model) {
    for (NodeId id = 0; id < model.num_node_ids(); ++id) {
      if (model.node(id).alive && model.node(id).op == "Conv") return true;
    }
    return false;
  }

  Plan compile(const Graph& model, const OptimizationProfile& profile, bool channels_last) {
    Graph graph = model;
    specialize(graph, profile);
    const PipelineReport passes = optimise(graph, channels_last);
    CompileSession session{target_, tuner_, blobs_, reporter_};
    Plan plan = compile_plan(graph, profile, session);
    BuildReport& report = out_.report;
    report.fused = passes.fused;
    if (const int placed = count_placed(plan); placed > 0) report.fused["written into a Concat"] = placed;
    report.nodes_before = passes.nodes_before;
    report.steps_after = static_cast<int>(plan.steps.size());
    report.timed_candidates = tuner_.num_timed();
    return plan;
  }

  static int count_placed(const Plan& plan) {
    return static_cast<int>(std::count_if(plan.values.begin(), plan.values.end(),
                                          [](const PlanValue& v) { return v.storage == Storage::kSlice; }));
  }

  PipelineReport optimise(Graph& graph, bool channels_last) {
    reporter_.advance("optimise", 0, 1);
    PipelineOptions passes;
    passes.opt_level = options_.opt_level;
    passes.disabled = options_.disabled_passes;
    passes.channels_last = channels_last;
    passes.reporter = reporter_;
    PipelineReport report = run_passes(graph, passes);
    reporter_.advance("optimise", 1, 1);
    return report;
  }

  void check_memory(const std::vector<OptimizationProfile>& profiles) const {
    int64_t arena = 0;
    size_t largest = 0;
    for (size_t i = 0; i < out_.data.plans.size(); ++i) {
      if (out_.data.plans[i].predicted_arena_bytes <= arena) continue;
      arena = out_.data.plans[i].predicted_arena_bytes;
      largest = i;
    }
    const int64_t needed = blobs_.total_bytes() + arena;
    if (options_.memory_limit_bytes == 0 || needed <= options_.memory_limit_bytes) return;
    throw Error(
        ErrorCode::kOutOfMemory,
        fmt::format("the engine needs {} bytes: {} of weights and {} of intermediate values at the largest shapes "
                    "of --profile \"{}\"; the limit is {}",
                    needed, blobs_.total_bytes(), arena, to_string(profiles[largest]), options_.memory_limit_bytes))
        .with_hint(needed - arena > options_.memory_limit_bytes
                       ? fmt::format("the weights alone are over it: raise --memory-limit to {}", needed)
                       : fmt::format("lower the profile's max shapes, or raise --memory-limit to {}", needed));
  }

  /// Nothing here may depend on time, place or machine beyond the target.
  void describe(const Graph& model) {
    EngineData& data = out_.data;
    data.target_kind = target_.kind;
    data.target_isa = std::string(name_of(target_.isa));
    data.target_fingerprint = target_.fingerprint();
    for (const auto& [key, value] : model.metadata) data.metadata["model." + key] = value;
    data.metadata["model.name"] = model.name;
    data.metadata["model.nodes"] = std::to_string(out_.report.nodes_before);
    data.metadata["option.opt_level"] = std::to_string(options_.opt_level);
    data.metadata["option.threads"] = std::to_string(target_.num_threads);
    data.metadata["option.disabled_passes"] = fmt::format("{}", fmt::join(options_.disabled_passes, ","));
    for (const auto& [kind, count] : out_.report.fused) data.metadata["fused." + kind] = std::to_string(count);
  }

  const BuildSettings& settings_;
  const BuildOptions& options_;
  const Reporter& reporter_;
  const Target& target_;
  TimingCache cache_;
  Tuner tuner_;
  BlobStore blobs_, trial_;
  BuildReport trial_report_;
  BuiltEngine out_;
};

/// Refuses early what would only fail after minutes of tuning.
void check_output(const std::string& engine_path) {
  const auto folder = std::filesystem::absolute(engine_path).parent_path();
  check(!engine_path.empty(), ErrorCode::kInvalidArgument, "no path is given for the engine");
  check(std::filesystem::is_directory(folder), ErrorCode::kIo, "cannot write '{}': there is no folder '{}'",
        engine_path, folder.string());
  check(!std::filesystem::is_directory(engine_path), ErrorCode::kIo, "cannot write '{}': it is a folder", engine_path);
}

}  // namespace

Reporter reporter_of(const BuildOptions& options) {
  Reporter reporter;
  if (options.log) {
    reporter.message = [&options](LogLevel level, std::string_view text) {
      if (level != LogLevel::kVerbose || options.verbose) options.log(text);
    };
  }
  reporter.progress = options.progress;
  return reporter;
}

BuiltEngine build_engine(const std::string& model_path, const BuildSettings& settings) {
  check_options(settings.options);
  const int wanted = settings.options.num_threads;
  const int num_threads = wanted > 0 ? wanted : num_available_cores();
  const Target target = detect_cpu(num_threads);
  return Build(settings, target).run(model_path);
}

BuildReport build_to_file(const std::string& model_path, const std::string& engine_path,
                          const BuildSettings& settings) {
  const auto start = std::chrono::steady_clock::now();
  check_output(engine_path);
  BuiltEngine built = build_engine(model_path, settings);
  settings.reporter.advance("write", 0, 1);
  write_engine(built.data, engine_path);
  settings.reporter.advance("write", 1, 1);
  built.report.engine_bytes = static_cast<int64_t>(std::filesystem::file_size(engine_path));
  built.report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return std::move(built.report);
}

BuildReport build(const std::string& model_path, const std::string& engine_path, const BuildOptions& options) {
  return at_boundary([&] { return build_to_file(model_path, engine_path, {options, reporter_of(options), {}}); });
}

}  // namespace burnish
