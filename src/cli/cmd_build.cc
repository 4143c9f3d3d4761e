// burnish build: an ONNX model becomes an engine file.
#include <fmt/format.h>

#include <charconv>

#include "base/log.h"
#include "builder/build_engine.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/json.h"

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
                {"traffic", report.traffic_json.empty() ? Json() : Json::parse(report.traffic_json)},
                {"accuracy", report.accuracy_json.empty() ? Json() : Json::parse(report.accuracy_json)}});
    return;
  }
  if (options.flags.quiet) return;
  if (!report.accuracy.empty()) fmt::print("{}\n", report.accuracy);
  if (!report.traffic.empty()) fmt::print("{}\n", printable(report.traffic));
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

void declare_precision(OptionSet& command, Options& options) {
  PrecisionOptions& precision = options.build.precision;
  const auto group = "Precision";
  const Option bf16 = command.flag("--bf16", precision.bf16, "Store floats as BF16 wherever kernels can").group(group);
  command.flag("--fp16", precision.fp16, "Store floats as FP16").group(group).excludes(bf16);
  command.flag("--tf32", precision.tf32, "Let GPUs round operands of products that stay FLOAT to TF32").group(group);
  command.flag("--int8", precision.int8, "Compute convolutions and products on 8-bit integers").group(group);
  command.flag("--best", precision.best, "Whatever is fastest within the accuracy budget").group(group);
  command
      .add("--calibrate", precision.calibrate,
           "Unlabelled samples of the inputs: .npz, .npy, raw files or folders; NAME=FILE says which input")
      .value_name("DATA")
      .group(group);
  command.add("--calibrator", precision.calibrator, "How ranges are chosen: minmax, percentile, entropy or mse")
      .value_name("NAME")
      .show_default()
      .group(group);
  command.add("--calibration-cache", precision.calibration_cache, "Text file of ranges, read if there, else written")
      .value_name("FILE")
      .group(group);
  command
      .add("--accuracy-drop", options.accuracy_drop,
           "Most that may be lost against FP32 on samples held back, such as 1%; none: anything [1%]")
      .value_name("SHARE")
      .group(group);
  command.add("--labels", precision.labels, "Class of every sample, .npy: top-1 accuracy is then the metric")
      .value_name("FILE.npy")
      .group(group);
  command
      .add("--metric", precision.metric_command,
           "Program that prints a metric, higher is better; it gets a folder with OUTPUT.npy and indices.npy")
      .value_name("COMMAND")
      .group(group);
}

Action declare(OptionSet& command, const CommandLine&) {
  auto options = std::make_shared<Options>();
  command.add("model", options->model, "The model, an .onnx file").required().value_name("MODEL.onnx");
  command.add("-o,--output", options->engine, "The engine file [MODEL.engine]").value_name("FILE");
  command
      .add("--target,--targets", options->build.target,
           "What the engine is for: cpu, cuda (the first GPU), cuda:N, sm_90 (a GPU elsewhere); several with commas")
      .value_name("TARGET")
      .show_default();
  command
      .add("--profile", options->profiles,
           "Shapes to build for, as NAME=MIN:OPT:MAX, several inputs separated by commas; repeat for several "
           "profiles")
      .value_name("PROFILE");
  const Option traffic = command
                             .add("--traffic", options->build.traffic,
                                  "Shapes that the model is executed with, counted: further profiles are tuned for "
                                  "them and kept where they "
                                  "pay. {\"batches\": {\"4\": 900, …}}, or what a server answers at /v2/models/M/stats")
                             .value_name("FILE.json");
  command.add("--traffic-profiles", options->build.traffic_profiles, "Most profiles that --traffic adds")
      .value_name("N")
      .needs(traffic)
      .show_default();
  command.add("--threads", options->build.num_threads, "Threads to tune for [all cores]").value_name("N");
  command.add("--opt-level", options->build.opt_level, "0: no tuning, no fusion … 5: every candidate, timed long")
      .value_name("0..5")
      .show_default();
  command.add("--timing-cache", options->build.timing_cache, "File of measured times, read and updated")
      .value_name("FILE");
  command
      .add_bytes("--memory-limit", options->build.memory_limit_bytes,
                 "Most bytes of weights and intermediate values, such as 500MB")
      .value_name("BYTES");
  command.add("--disable-pass", options->build.disabled_passes, "Leave out a pass; may be repeated").value_name("NAME");
  declare_precision(command, *options);
  add_log_flags(command, options->flags);
  add_json_flag(command, options->flags);
  return [options] { return run(*options); };
}

}  // namespace

const Command kBuild = {"build", "Compile an ONNX model into an engine file",
                        R"(  burnish build resnet50.onnx -o resnet50.engine
  burnish build resnet50.onnx --profile "input=1x3x224x224:8x3x224x224:32x3x224x224"
  curl -s localhost:8000/v2/models/resnet50/stats > traffic.json && burnish build resnet50.onnx --traffic traffic.json
  burnish build resnet50.onnx --int8 --calibrate images.npz --accuracy-drop 0.5%
  burnish build resnet50.onnx --target cuda --fp16
  burnish build bert.onnx --bf16 --threads 2 --timing-cache times.txt --opt-level 4)",
                        declare};

}  // namespace burnish::cli
