#include "builder/calibration.h"

#include <filesystem>

#include "builder/layer_quantizer.h"
#include "builder/precision_options.h"

namespace burnish {
namespace {

/// Of the samples. Measuring needs many more than calibrating, which small sets can spare least.
constexpr double kHeldBack = 0.5;
constexpr double kHeldBackOfFew = 0.25;
constexpr int64_t kFew = 64;

class CalibrationRun {
 public:
  CalibrationRun(ModelCompiler& compiler, const OptimizationProfile& profile, Graph graph, const SplitSamples* samples)
      : compiler_(compiler), profile_(profile), options_(compiler.options().precision), samples_(samples) {
    result_.graph = std::move(graph);
  }

  Calibration run() {
    check(!find_layers(result_.graph, profile_).empty(), ErrorCode::kUnsupported,
          "no layer of this model can compute on integers; build it without --int8");
    const bool cached = read_cache();
    if (samples_ != nullptr) result_.observations = observe_part(samples_->split.calibration);
    if (!cached) choose_ranges();
    if (samples_ != nullptr) judge_samples();
    equalise();
    return std::move(result_);
  }

 private:
  std::string fingerprint() const {
    const auto& facts = compiler_.model().metadata;
    return facts.contains("hash") ? facts.at("hash") : compiler_.model().name;
  }

  bool read_cache() {
    const std::string& cache = options_.calibration_cache;
    if (cache.empty() || !std::filesystem::exists(cache)) {
      check(samples_ != nullptr, ErrorCode::kIo,
            "there is no calibration cache '{}', and no --calibrate DATA to make it", cache);
      return false;
    }
    result_.ranges = RangeTable::load(cache, fingerprint());
    compiler_.reporter().log(LogLevel::kInfo, fmt::format("ranges read from '{}'", cache));
    return true;
  }

  Observations observe_part(const std::vector<int64_t>& indices) {
    const auto axes = LayerQuantizer::values_to_observe(result_.graph, profile_);
    return observe(compiler_, result_.graph, profile_, axes, samples_->samples, indices);
  }

  RangeTable ranges_of_observations() const {
    CalibrationOptions calibration;
    calibration.calibrator = parse_calibrator(options_.calibrator);
    return LayerQuantizer::choose_ranges(result_.observations, calibration, fingerprint(), compiler_.reporter());
  }

  void choose_ranges() {
    result_.ranges = ranges_of_observations();
    if (!options_.calibration_cache.empty()) result_.ranges.save(options_.calibration_cache);
  }

  void judge_samples() {
    const Observations held_back = observe_part(samples_->split.held_back);
    result_.findings = check_samples(compiler_, profile_, samples_->samples, samples_->split.calibration,
                                     {result_.graph, result_.ranges, result_.observations, held_back});
    for (const Warning& w : result_.findings.warnings) {
      compiler_.reporter().log(LogLevel::kWarning, "unrepresentative calibration data: " + w.text);
    }
  }

  /// The cache keeps ranges of the model as it is; those of rescaled values always come from the samples.
  void equalise() {
    result_.equalisation = choose_equalisation(result_.graph, result_.observations);
    if (result_.equalisation.empty()) return;
    equalise_layers(result_.graph, result_.equalisation);
    result_.observations = observe_part(samples_->split.calibration);
    const RangeTable rescaled = ranges_of_observations();
    for (const auto& [name, factors] : result_.equalisation) result_.ranges.set(name, *rescaled.find(name));
  }

  ModelCompiler& compiler_;
  const OptimizationProfile& profile_;
  const PrecisionOptions& options_;
  const SplitSamples* samples_;
  Calibration result_;
};

}  // namespace

SplitSamples load_samples(const ModelCompiler& compiler, const OptimizationProfile& profile) {
  const PrecisionOptions& options = compiler.options().precision;
  Samples samples = options.next_samples ? Samples::collect(options.next_samples, compiler.model())
                                         : Samples::load(options.calibrate, compiler.model());
  check_sample_shapes(samples, profile);
  SampleSplit split = split_samples(samples.size(), samples.size() < kFew ? kHeldBackOfFew : kHeldBack);
  if (split.held_back.empty()) {
    compiler.reporter().log(
        LogLevel::kWarning,
        "too few samples to hold some back: accuracy is measured on those that were calibrated with");
    split.held_back = split.calibration;
  }
  return {std::move(samples), std::move(split)};
}

Calibration calibrate(ModelCompiler& compiler, const OptimizationProfile& profile, Graph graph,
                      const SplitSamples* samples) {
  return CalibrationRun(compiler, profile, std::move(graph), samples).run();
}

}  // namespace burnish
