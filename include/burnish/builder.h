#pragma once
/// \file
/// The compiler's public API: an ONNX model in, an engine file out.
#include <burnish/engine.h>

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace burnish {

/// min / opt / max shape of every input with free dimensions.
struct Profile {
  struct Range {
    std::vector<int64_t> min, opt, max;
  };
  std::map<std::string, Range> inputs;
};
/// "input=1x3x224x224:8x3x224x224:32x3x224x224" (several inputs separated by commas; one shape means min = opt = max).
/// Throws for anything else, showing the form.
Profile parse_profile(std::string_view text);

/// Samples of one input in the caller's memory: dense, row-major; the first dimension counts samples.
struct SampleArray {
  std::string input;
  DataType dtype;
  std::vector<int64_t> shape;
  const void* data = nullptr;
};
/// One array for every input, each of as many samples.
using SampleBatch = std::vector<SampleArray>;

/// Which narrow types a build may use, and how much accuracy they may cost.
struct PrecisionOptions {
  bool bf16 = false;  ///< Store floats as BF16 wherever kernels can.
  bool fp16 = false;  ///< Store floats as FP16; computed natively where the machine can.
  bool tf32 = false;  ///< Let GPUs round the operands of FLOAT products to TF32's 10 bits; nothing on CPUs.
  bool int8 = false;  ///< Compute convolutions and products on 8-bit integers; needs samples or a calibration cache.
  bool best = false;  ///< Whatever of all these is fastest within the accuracy budget.
  /// Unlabelled samples: .npz, .npy or raw files, or folders of them (docs/precision.md).
  std::vector<std::string> calibrate;
  /// Or samples from memory instead: called until it returns false, before anything is calibrated. What it gives is
  /// copied before the next call. What it throws leaves the build as it is.
  std::function<bool(SampleBatch& batch)> next_samples;
  std::string calibrator = "mse";  ///< "minmax", "percentile", "entropy", "mse".
  std::string calibration_cache;   ///< Ranges are read from it where it exists, else written to it; empty: none.
  /// How much may be lost on samples held back, against FP32: a share of top-1 agreement, of cosine similarity, or of
  /// the user's metric. Negative: any loss is accepted.
  double accuracy_drop = 0.01;
  std::string labels;          ///< .npy of class numbers, one a sample: the metric is then top-1 accuracy.
  std::string metric_command;  ///< Program that is given a folder of outputs and prints the metric.
  /// True when any of it asks for something other than FP32.
  bool any() const { return bf16 || fp16 || int8 || best; }
  bool has_samples() const { return !calibrate.empty() || next_samples; }
};

struct BuildOptions {
  /// Or "cuda", "cuda:1": the GPU of this machine that the engine is for; or "sm_90": a GPU that is not at hand, for
  /// which tactics are chosen without timing. Several, separated by commas, make one file with an engine for each.
  std::string target = "cpu";
  std::vector<Profile> profiles;   ///< Empty: a sensible default, reported through log.
  int num_threads = 0;             ///< Threads to tune for; 0 means all cores.
  int opt_level = 3;               ///< 0: no tuning, no fusion … 5: every candidate timed long.
  std::string timing_cache;        ///< File to read and update; empty: none.
  int64_t memory_limit_bytes = 0;  ///< Weights and arena at max shapes; 0: none.
  std::vector<std::string> disabled_passes;
  PrecisionOptions precision;
  bool verbose = false;  ///< Report what every pass changed and how long it took.
  std::function<void(std::string_view message)> log;
  /// Called from the thread that builds. What it throws stops the build and leaves it as it is.
  std::function<void(std::string_view stage, int64_t done, int64_t total)> progress;
};

struct BuildReport {
  double seconds = 0;
  std::map<std::string, int> fused;  ///< What was fused, by kind: "Conv+BatchNormalization" → 53.
  int nodes_before = 0, steps_after = 0;
  int64_t engine_bytes = 0;
  /// What lower precision cost and gained, as a table for people and as JSON. Empty where it was not measured.
  std::string accuracy, accuracy_json;
  int timed_candidates = 0;  ///< 0 when the timing cache knew everything.
};

/// Builds and writes atomically: on failure nothing stands under engine_path that was not there before.
BuildReport build(const std::string& model_path, const std::string& engine_path, const BuildOptions& options = {});

/// A serialised ModelProto in the caller's memory.
struct ModelBytes {
  std::span<const std::byte> bytes;
  std::string base_directory;  ///< Where the model's external data lies; empty: external data is refused.
};
struct EngineBytes {
  std::vector<std::byte> bytes;  ///< As in an engine file; Engine::deserialize() reads them.
  BuildReport report;
};
/// The same without files.
EngineBytes build(const ModelBytes& model, const BuildOptions& options = {});

}  // namespace burnish
