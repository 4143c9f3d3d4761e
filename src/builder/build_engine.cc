#include "builder/build_engine.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "base/file.h"
#include "builder/boundary.h"
#include "builder/build_target.h"
#include "builder/model_compiler.h"
#include "builder/precision_choice.h"
#include "builder/profiles.h"
#include "builder/traffic_choice.h"
#include "engine/engine_bundle.h"
#include "engine/engine_file.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/nvrtc.h"
#include "onnx/importer.h"

namespace burnish {
namespace {

constexpr int kMaxOptLevel = 5;
constexpr int kMostTrafficProfiles = 16;
/// From here on both layouts of images are compiled and the faster plan is kept.
constexpr int kCompareLayoutsLevel = 4;

void check_options(const BuildOptions& options) {
  check(options.opt_level >= 0 && options.opt_level <= kMaxOptLevel, ErrorCode::kInvalidArgument,
        "the optimisation level is 0 to {}, not {}", kMaxOptLevel, options.opt_level);
  check(options.num_threads >= 0 && options.num_threads <= 4096, ErrorCode::kInvalidArgument,
        "{} threads are not possible", options.num_threads);
  check(options.traffic_profiles >= 1 && options.traffic_profiles <= kMostTrafficProfiles, ErrorCode::kInvalidArgument,
        "1 to {} profiles can be made for traffic, not {}", kMostTrafficProfiles, options.traffic_profiles);
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
  Build(const BuildSettings& settings, const Target& target, const Graph& model)
      : options_(settings.options), target_(target), model_(model), compiler_(model, settings, target) {}

  BuiltEngine run() {
    auto profiles = resolve_profiles(model_, options_.profiles, compiler_.reporter());
    std::optional<TrafficPoints> traffic;
    if (!options_.traffic.empty()) traffic = read_traffic(compiler_, profiles);
    const PrecisionChoice precision = choose_precision(compiler_, profiles.front());
    if (traffic) profiles = profiles_for(*traffic, profiles.front(), precision);
    std::vector<Plan> plans = plans_for(profiles, precision);
    compiler_.save_cache();
    check_memory(plans, profiles);
    report_.timed_candidates = compiler_.num_timed();
    BuiltEngine built{compiler_.engine_of(std::move(plans), std::move(blobs_)), report_};
    describe(built.data, precision);
    built.report.accuracy = precision.summary;
    built.report.accuracy_json = precision.json;
    return built;
  }

 private:
  /// Leaves blobs and report as if nothing had been built.
  std::vector<OptimizationProfile> profiles_for(const TrafficPoints& traffic, const OptimizationProfile& general,
                                                const PrecisionChoice& precision) {
    TrafficChoice choice =
        choose_for_traffic(compiler_, general, traffic, [&](const std::vector<OptimizationProfile>& profiles) {
          std::vector<Plan> plans = plans_for(profiles, precision);
          return compiler_.engine_of(std::move(plans), std::exchange(blobs_, {}));
        });
    report_ = {};
    report_.traffic = std::move(choice.summary);
    report_.traffic_json = std::move(choice.json);
    return std::move(choice.profiles);
  }

  std::vector<Plan> plans_for(const std::vector<OptimizationProfile>& profiles, const PrecisionChoice& precision) {
    std::vector<Plan> plans;
    for (const OptimizationProfile& profile : profiles) plans.push_back(plan_for(profile, precision));
    return plans;
  }

  Plan plan_for(const OptimizationProfile& profile, const PrecisionChoice& precision) {
    const bool one_layout = options_.opt_level < kCompareLayoutsLevel || precision.is_lowered() || !has_images() ||
                            target_.is_cuda();  // whose tensor cores want channels last
    if (one_layout) return compile(profile, true, precision);
    const BlobStore before = blobs_;
    const BuildReport report_before = report_;
    Plan last = compile(profile, true, precision);
    std::swap(blobs_, trial_ = before);
    std::swap(report_, trial_report_ = report_before);
    Plan first = compile(profile, false, precision);
    compiler_.reporter().log(LogLevel::kVerbose,
                             fmt::format("layouts: channels last {:.3f} ms, channels first {:.3f} ms",
                                         last.predicted_us / 1e3, first.predicted_us / 1e3));
    if (first.predicted_us < last.predicted_us) return first;
    std::swap(blobs_, trial_);
    std::swap(report_, trial_report_);
    return last;
  }

  bool has_images() const {
    for (NodeId id = 0; id < model_.num_node_ids(); ++id) {
      if (model_.node(id).alive && model_.node(id).op == "Conv") return true;
    }
    return false;
  }

  Plan compile(const OptimizationProfile& profile, bool channels_last, const PrecisionChoice& precision) {
    auto optimised = compiler_.optimise(profile, channels_last, precision.is_lowered());
    if (precision.is_lowered()) optimised = precision.apply(compiler_, std::move(optimised));
    Plan plan = compiler_.compile(optimised.graph, profile, blobs_);
    report_.fused = optimised.report.fused;
    if (const int placed = count_placed(plan); placed > 0) report_.fused["written into a Concat"] = placed;
    report_.nodes_before = optimised.report.nodes_before;
    report_.steps_after = static_cast<int>(plan.steps.size());
    return plan;
  }

  static int count_placed(const Plan& plan) {
    return static_cast<int>(std::count_if(plan.values.begin(), plan.values.end(),
                                          [](const PlanValue& v) { return v.storage == Storage::kSlice; }));
  }

  void check_memory(const std::vector<Plan>& plans, const std::vector<OptimizationProfile>& profiles) const {
    int64_t arena = 0;
    size_t largest = 0;
    for (size_t i = 0; i < plans.size(); ++i) {
      if (plans[i].predicted_arena_bytes <= arena) continue;
      arena = plans[i].predicted_arena_bytes;
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

  /// Nothing here may depend on time, place or machine beyond the target, but for measured speeds.
  void describe(EngineData& data, const PrecisionChoice& precision) const {
    for (const auto& [key, value] : model_.metadata) data.metadata["model." + key] = value;
    data.metadata["model.name"] = model_.name;
    data.metadata["model.nodes"] = std::to_string(report_.nodes_before);
    if (target_.device < 0) data.metadata["option.tactics"] = "chosen without timing: the GPU was not at hand";
    if (target_.is_cuda()) data.metadata["cuda.version"] = cuda::nvrtc_version();
    data.metadata["option.opt_level"] = std::to_string(options_.opt_level);
    data.metadata["option.threads"] = std::to_string(target_.num_threads);
    data.metadata["option.disabled_passes"] = fmt::format("{}", fmt::join(options_.disabled_passes, ","));
    for (const auto& [key, value] : precision.metadata) data.metadata[key] = value;
    for (const auto& [kind, count] : report_.fused) data.metadata["fused." + kind] = std::to_string(count);
  }

  const BuildOptions& options_;
  const Target& target_;
  const Graph& model_;
  ModelCompiler compiler_;
  BlobStore blobs_, trial_;
  BuildReport report_, trial_report_;
};

Graph import_source(const ModelSource& source) {
  if (const auto* path = std::get_if<std::string>(&source)) return import_model_file(*path);
  const auto& model = std::get<ModelBytes>(source);
  return import_model(model.bytes, model.base_directory);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

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

BuiltEngine build_engine(const ModelSource& source, const BuildSettings& settings) {
  check_options(settings.options);
  const Target target = build_target(settings.options);
  const cuda::DeviceScope scope(target.is_cuda() ? target.device : -1);
  settings.reporter.advance("import", 0, 1);
  Graph model = import_source(source);
  if (settings.after_import) settings.after_import(model);
  settings.reporter.advance("import", 1, 1);
  return Build(settings, target, model).run();
}

std::pair<std::vector<EngineData>, BuildReport> build_engines(const ModelSource& model, const BuildSettings& settings) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<EngineData> engines;
  BuildReport report;
  for (const std::string& target : split_targets(settings.options.target)) {
    BuildSettings one = settings;
    one.options.target = target;
    BuiltEngine built = build_engine(model, one);
    if (engines.empty()) report = std::move(built.report);
    engines.push_back(std::move(built.data));
  }
  report.seconds = seconds_since(start);
  return {std::move(engines), std::move(report)};
}

std::vector<std::byte> serialize_engines(std::span<const EngineData> engines) {
  return engines.size() == 1 ? serialize_engine(engines.front()) : serialize_bundle(engines);
}

void write_engines(std::span<const EngineData> engines, const std::string& path) {
  if (engines.size() == 1) return write_engine(engines.front(), path);
  write_file(path, std::span<const std::byte>(serialize_bundle(engines)));
}

BuildReport build_to_file(const ModelSource& model, const std::string& engine_path, const BuildSettings& settings) {
  const auto start = std::chrono::steady_clock::now();
  check_output(engine_path);
  auto [engines, report] = build_engines(model, settings);
  settings.reporter.advance("write", 0, 1);
  write_engines(engines, engine_path);
  settings.reporter.advance("write", 1, 1);
  report.engine_bytes = static_cast<int64_t>(std::filesystem::file_size(engine_path));
  report.seconds = seconds_since(start);
  return std::move(report);
}

BuildReport build(const std::string& model_path, const std::string& engine_path, const BuildOptions& options) {
  return with_public_errors([&] { return build_to_file(model_path, engine_path, {options, reporter_of(options), {}}); });
}

EngineBytes build(const ModelBytes& model, const BuildOptions& options) {
  return with_public_errors([&] {
    auto [engines, report] = build_engines(model, {options, reporter_of(options), {}});
    EngineBytes engine{serialize_engines(engines), std::move(report)};
    engine.report.engine_bytes = static_cast<int64_t>(engine.bytes.size());
    return engine;
  });
}

}  // namespace burnish
