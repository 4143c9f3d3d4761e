// burnish build: an ONNX model becomes an engine file.
#include <fmt/format.h>

#include <charconv>

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
  std::string accuracy_drop;
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
                {"fused", report.fused},
                {"accuracy", report.accuracy_json.empty() ? Json() : Json::parse(report.accuracy_json)}});
    return;
  }
  if (options.flags.quiet) return;
  if (!report.accuracy.empty()) fmt::print("{}\n", report.accuracy);
  for (const auto& [kind, count] : report.fused) fmt::print("fused {:>4} × {}\n", count, kind);
  fmt::print("{}: {} nodes became {} steps, {:.1f} MB, in {:.1f} s ({} candidates timed)\n", options.engine,
             report.nodes_before, report.steps_after, static_cast<double>(report.engine_bytes) / 1e6, report.seconds,
             report.timed_candidates);
}

/// "1%" or "0.01" as a share, "none" as a negative number.
double parse_accuracy_drop(const std::string& text) {
  if (text == "none") return -1;
  const bool percent = text.ends_with('%');
  double value = 0;
  const char* end = text.data() + text.size() - (percent ? 1 : 0);
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  check(error == std::errc{} && stop == end && value >= 0 && value <= (percent ? 100 : 1), ErrorCode::kInvalidArgument,
        "--accuracy-drop '{}': write a share such as 1% or 0.01, or none", text);
  return percent ? value / 100 : value;
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
  if (!options.accuracy_drop.empty()) {
    options.build.precision.accuracy_drop = parse_accuracy_drop(options.accuracy_drop);
  }
  options.build.verbose = options.flags.verbose;
  const BuildSettings settings{options.build, interruptible(make_console_reporter(level_of(options.flags))), {}};
  print_report(options, build_to_file(options.model, options.engine, settings));
  return 0;
}

void declare_precision(CLI::App& app, Options& options) {
  PrecisionOptions& precision = options.build.precision;
  const auto group = "Precision";
  app.add_flag("--bf16", precision.bf16, "Store floats as BF16 wherever kernels can")->group(group);
  app.add_flag("--fp16", precision.fp16, "Store floats as FP16")->group(group)->excludes("--bf16");
  app.add_flag("--int8", precision.int8, "Compute convolutions and products on 8-bit integers")->group(group);
  app.add_flag("--best", precision.best, "Whatever is fastest within the accuracy budget")->group(group);
  app.add_option("--calibrate", precision.calibrate,
                 "Unlabelled samples of the inputs: .npz, .npy, raw files or folders; NAME=FILE says which input")
      ->type_name("DATA")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--calibrator", precision.calibrator, "How ranges are chosen: minmax, percentile, entropy or mse")
      ->type_name("NAME")
      ->capture_default_str()
      ->group(group);
  app.add_option("--calibration-cache", precision.calibration_cache, "Text file of ranges, read if there, else written")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--accuracy-drop", options.accuracy_drop,
                 "Most that may be lost against FP32 on samples held back, such as 1%; none: anything [1%]")
      ->type_name("SHARE")
      ->group(group);
  app.add_option("--labels", precision.labels, "Class of every sample, .npy: top-1 accuracy is then the metric")
      ->type_name("FILE.npy")
      ->group(group);
  app.add_option("--metric", precision.metric_command,
                 "Program that prints a metric, higher is better; it gets a folder with OUTPUT.npy and indices.npy")
      ->type_name("COMMAND")
      ->group(group);
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
  declare_precision(app, *options);
  add_log_flags(app, options->flags);
  add_json_flag(app, options->flags);
  return [options] { return run(*options); };
}

}  // namespace

const Command kBuild = {"build", "Compile an ONNX model into an engine file",
                        R"(  burnish build resnet50.onnx -o resnet50.engine
  burnish build resnet50.onnx --profile "input=1x3x224x224:8x3x224x224:32x3x224x224"
  burnish build resnet50.onnx --int8 --calibrate images.npz --accuracy-drop 0.5%
  burnish build bert.onnx --bf16 --threads 2 --timing-cache times.txt --opt-level 4)",
                        declare};

}  // namespace burnish::cli
