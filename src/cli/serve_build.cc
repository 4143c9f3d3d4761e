#include "cli/serve_build.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/thread_pool.h"
#include "builder/build_engine.h"
#include "kernels/target.h"

namespace burnish::cli {
namespace {

std::string parameter(const server::ModelConfig& config, const std::string& name, const std::string& otherwise) {
  const auto found = config.parameters.find(name);
  return found == config.parameters.end() ? otherwise : found->second;
}

int opt_level_of(const server::ModelConfig& config) {
  const std::string text = parameter(config, "opt_level", std::to_string(BuildOptions{}.opt_level));
  int level = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), level);
  check(error == std::errc() && end == text.data() + text.size(), ErrorCode::kInvalidArgument,
        "parameters['opt_level']: '{}' is no number", text);
  return level;
}

void set_precision(const server::ModelConfig& config, PrecisionOptions& precision) {
  const std::string name = parameter(config, "precision", "fp32");
  precision.bf16 = name == "bf16";
  precision.fp16 = name == "fp16";
  if (name == "fp32" || precision.any()) return;
  throw Error(ErrorCode::kUnsupported, fmt::format("parameters['precision']: '{}' is none of fp32, bf16, fp16", name))
      .with_hint("build other engines with `burnish build`, which is given samples");
}

/// Those of an instance, as the scheduler shares the cores out.
int threads_of(const server::ModelConfig& config) {
  const auto group = config.instance_groups.empty() ? server::InstanceGroup{} : config.instance_groups.front();
  if (group.threads > 0) return group.threads;
  return std::max(1, num_available_cores() / std::max(1, group.count));
}

/// The GPU of the first group that asks for one: engines run on all of its kind. Else the CPU.
std::string target_of(const server::ModelConfig& config) {
  const auto group = std::ranges::find(config.instance_groups, "KIND_GPU", &server::InstanceGroup::kind);
  if (group == config.instance_groups.end()) return "cpu";
  return fmt::format("cuda:{}", group->gpus.empty() ? 0 : group->gpus.front());
}

BuildOptions options_of(const server::ModelConfig& config, const std::string& timing_cache) {
  BuildOptions options;
  options.target = target_of(config);
  const std::string profile = parameter(config, "profile", server::build_profile_of(config));
  if (!profile.empty()) options.profiles = {parse_profile(profile)};
  options.opt_level = opt_level_of(config);
  options.num_threads = threads_of(config);
  options.timing_cache = timing_cache;
  set_precision(config, options.precision);
  return options;
}

}  // namespace

server::BuildEngine engine_builder(const Reporter& reporter, const std::string& timing_cache,
                                   const std::atomic<bool>& stop) {
  return [reporter, timing_cache, &stop](const std::string& onnx, const std::string& engine,
                                         const server::ModelConfig& config) {
    reporter.log(LogLevel::kInfo, fmt::format("building '{}' for model '{}'", onnx, config.name));
    Reporter stoppable = reporter;
    stoppable.poll = [&stop] { check(!stop, ErrorCode::kIo, "the server is shutting down"); };
    const BuildReport report = build_to_file(onnx, engine, {options_of(config, timing_cache), stoppable, {}});
    reporter.log(LogLevel::kInfo, fmt::format("built '{}' in {:.1f} s: '{}'", onnx, report.seconds, engine));
  };
}

std::string engine_cache_salt() {
  return fmt::format("{} {}", BURNISH_VERSION, detect_cpu(num_available_cores()).fingerprint());
}

}  // namespace burnish::cli
