// burnish build: an ONNX model becomes an engine file.
#include <fmt/format.h>

#include "base/log.h"
#include "builder/build_engine.h"
#include "cli/command.h"
#include "cli/interrupt.h"

namespace burnish::cli {
namespace {

struct Options {
  std::string model, engine;
  std::vector<std::string> profiles;
  BuildOptions build;
  OutputFlags flags;
};

void print_report(const Options& options, const BuildReport& report) {
  if (options.flags.json) {
    print_json({{"engine", options.engine},
                {"engine_bytes", report.engine_bytes},
                {"seconds", report.seconds},
                {"nodes_before", report.nodes_before},
                {"steps_after", report.steps_after},
                {"timed_candidates", report.timed_candidates},
                {"fused", report.fused}});
    return;
  }
  if (options.flags.quiet) return;
  for (const auto& [kind, count] : report.fused) fmt::print("fused {:>4} × {}\n", count, kind);
  fmt::print("{}: {} nodes became {} steps, {:.1f} MB, in {:.1f} s ({} candidates timed)\n", options.engine,
             report.nodes_before, report.steps_after, static_cast<double>(report.engine_bytes) / 1e6, report.seconds,
             report.timed_candidates);
}

LogLevel level_of(const OutputFlags& flags) {
  if (flags.quiet) return LogLevel::kError;
  return flags.verbose ? LogLevel::kVerbose : LogLevel::kInfo;
}

int run(Options& options) {
  note_interrupts();
  if (options.engine.empty()) {
    options.engine = options.model.substr(0, options.model.rfind(".onnx")) + ".engine";
  }
  for (const std::string& text : options.profiles) options.build.profiles.push_back(parse_profile(text));
  options.build.verbose = options.flags.verbose;
  const BuildSettings settings{options.build, interruptible(make_console_reporter(level_of(options.flags))), {}};
  print_report(options, build_to_file(options.model, options.engine, settings));
  return 0;
}

Action declare(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("model", options->model, "The model, an .onnx file")->required()->type_name("MODEL.onnx");
  app.add_option("-o,--output", options->engine, "The engine file [MODEL.engine]")->type_name("FILE");
  app.add_option("--profile", options->profiles,
                 "Shapes to build for, as NAME=MIN:OPT:MAX, several inputs separated by commas; repeat for several "
                 "profiles")
      ->type_name("PROFILE")
      ->allow_extra_args(false);
  app.add_option("--threads", options->build.num_threads, "Threads to tune for [all cores]")->type_name("N");
  app.add_option("--opt-level", options->build.opt_level, "0: no tuning, no fusion … 5: every candidate, timed long")
      ->type_name("0..5")
      ->capture_default_str();
  app.add_option("--timing-cache", options->build.timing_cache, "File of measured times, read and updated")
      ->type_name("FILE");
  app.add_option("--memory-limit", options->build.memory_limit_bytes,
                 "Most bytes of weights and intermediate values, such as 500MB")
      ->transform(CLI::AsSizeValue(false))
      ->type_name("BYTES");
  app.add_option("--disable-pass", options->build.disabled_passes, "Leave out a pass; may be repeated")
      ->type_name("NAME")
      ->allow_extra_args(false);
  add_log_flags(app, options->flags);
  add_json_flag(app, options->flags);
  return [options] { return run(*options); };
}

}  // namespace

const Command kBuild = {"build", "Compile an ONNX model into an engine file",
                        R"(  burnish build resnet50.onnx -o resnet50.engine
  burnish build resnet50.onnx --profile "input=1x3x224x224:8x3x224x224:32x3x224x224"
  burnish build bert.onnx --threads 2 --timing-cache times.txt --opt-level 4)",
                        declare};

}  // namespace burnish::cli
