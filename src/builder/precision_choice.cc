#include "builder/precision_choice.h"

#include <filesystem>
#include <limits>

#include "builder/accuracy_meter.h"
#include "builder/layer_quantizer.h"
#include "builder/precision_options.h"
#include "builder/precision_report.h"
#include "builder/sample_checks.h"

namespace burnish {
namespace {

/// Of the samples. Measuring needs many more than calibrating, which small sets can spare least.
constexpr double kHeldBack = 0.5;
constexpr double kHeldBackOfFew = 0.25;
constexpr int64_t kFew = 64;
constexpr int64_t kNoiseSamples = 16;  ///< That layers are compared on.
constexpr int kMaxTrials = 24;

class Chooser {
 public:
  Chooser(ModelCompiler& compiler, const OptimizationProfile& profile)
      : compiler_(compiler), profile_(profile), options_(compiler.options().precision) {}

  PrecisionChoice run() {
    check_precision_options(compiler_.options());
    if (!options_.any()) return {};
    if (!options_.has_samples() && !options_.int8) return lowered_unmeasured();
    const ModelCompiler::Quiet quiet(compiler_);
    graph_ = compiler_.optimise(profile_, true, true).graph;
    if (options_.has_samples()) load_samples();
    if (options_.int8 || options_.best) calibrate();
    if (!samples_) return quantised_unmeasured();
    measure_reference();
    return best_of_candidates();
  }

 private:
  /// What to try: on integers or not, and how floats are stored.
  struct Candidate {
    bool int8 = false;
    DType floats = DType::kFloat32;
  };
  struct Outcome {
    PrecisionChoice choice;
    PrecisionReport report;
  };

  DType wanted_floats() const {
    return options_.bf16 ? DType::kBFloat16 : options_.fp16 ? DType::kFloat16 : DType::kFloat32;
  }

  PrecisionChoice lowered_unmeasured() const {
    PrecisionChoice choice;
    choice.plan.floats = wanted_floats();
    return choice;
  }

  PrecisionChoice quantised_unmeasured() {
    compiler_.reporter().log(LogLevel::kWarning,
                             "accuracy is not measured without samples: add --calibrate DATA to have it guarded");
    PrecisionChoice choice;
    choice.plan = quantizer_->plan(std::vector<bool>(quantizer_->layers().size(), false), wanted_floats());
    return choice;
  }

  // --- samples and ranges -------------------------------------------------------------------------------------------
  void load_samples() {
    samples_ = options_.next_samples ? Samples::collect(options_.next_samples, compiler_.model())
                                     : Samples::load(options_.calibrate, compiler_.model());
    check_sample_shapes(*samples_, profile_);
    split_ = split_samples(samples_->size(), samples_->size() < kFew ? kHeldBackOfFew : kHeldBack);
    if (!split_.held_back.empty()) return;
    compiler_.reporter().log(
        LogLevel::kWarning,
        "too few samples to hold some back: accuracy is measured on those that were calibrated with");
    split_.held_back = split_.calibration;
  }

  void calibrate() {
    const size_t num_layers = find_layers(graph_, profile_).size();
    check(num_layers > 0, ErrorCode::kUnsupported,
          "no layer of this model can compute on integers; build it without --int8");
    const bool cached = read_cache();
    if (samples_) observe_samples();
    if (!cached) choose_ranges();
    if (samples_) judge_samples();
    equalise();
    quantizer_.emplace(graph_, profile_, ranges_, observations_);
    const size_t num_left = num_layers - quantizer_->layers().size();
    if (num_left == 0) return;
    compiler_.reporter().log(
        LogLevel::kWarning,
        fmt::format("{} of {} layers have no ranges: they are not computed on integers", num_left, num_layers));
  }

  std::string fingerprint() const {
    const auto& facts = compiler_.model().metadata;
    return facts.contains("hash") ? facts.at("hash") : compiler_.model().name;
  }

  bool read_cache() {
    const std::string& cache = options_.calibration_cache;
    if (cache.empty() || !std::filesystem::exists(cache)) {
      check(samples_.has_value(), ErrorCode::kIo,
            "there is no calibration cache '{}', and no --calibrate DATA to make it", cache);
      return false;
    }
    ranges_ = RangeTable::load(cache, fingerprint());
    compiler_.reporter().log(LogLevel::kInfo, fmt::format("ranges read from '{}'", cache));
    return true;
  }

  void observe_samples() {
    const auto axes = LayerQuantizer::values_to_observe(graph_, profile_);
    observations_ = observe(compiler_, graph_, profile_, axes, *samples_, split_.calibration);
    held_back_ = observe(compiler_, graph_, profile_, axes, *samples_, split_.held_back);
  }

  RangeTable ranges_of_observations() const {
    CalibrationOptions calibration;
    calibration.calibrator = parse_calibrator(options_.calibrator);
    return LayerQuantizer::choose_ranges(observations_, calibration, fingerprint(), compiler_.reporter());
  }

  void choose_ranges() {
    ranges_ = ranges_of_observations();
    if (!options_.calibration_cache.empty()) ranges_.save(options_.calibration_cache);
  }

  /// The cache keeps ranges of the model as it is; those of rescaled values always come from the samples.
  void equalise() {
    equalisation_ = choose_equalisation(graph_, observations_);
    if (equalisation_.empty()) return;
    equalise_layers(graph_, equalisation_);
    observations_ = observe(compiler_, graph_, profile_, LayerQuantizer::values_to_observe(graph_, profile_), *samples_,
                            split_.calibration);
    const RangeTable rescaled = ranges_of_observations();
    for (const auto& [name, factors] : equalisation_) ranges_.set(name, *rescaled.find(name));
  }

  void judge_samples() {
    findings_ =
        check_samples(compiler_, profile_, *samples_, split_.calibration, {graph_, ranges_, observations_, held_back_});
    for (const Warning& w : findings_.warnings) {
      compiler_.reporter().log(LogLevel::kWarning, "unrepresentative calibration data: " + w.text);
    }
  }

  // --- measuring ----------------------------------------------------------------------------------------------------
  struct Compiled {
    EngineData engine;
    double us = 0;
  };
  Compiled compile(const Graph& graph) {
    BlobStore blobs;
    Plan compiled = compiler_.compile(graph, profile_, blobs);
    const double us = compiled.predicted_us;
    return {compiler_.engine_of({std::move(compiled)}, std::move(blobs)), us};
  }

  void measure_reference() {
    Compiled fp32 = compile(compiler_.optimise(profile_, true, false).graph);
    fp32_.us = fp32.us;
    meter_.emplace(options_, *samples_, split_.held_back, std::move(fp32.engine), compiler_.target().num_threads);
    fp32_.metric = meter_->reference_metric();
  }

  PrecisionPlan plan_of(const Candidate& candidate, const std::vector<Layer>& layers, const std::vector<bool>& raised) {
    if (candidate.int8) return quantizer_->plan(raised, candidate.floats);
    PrecisionPlan plan;
    plan.floats = candidate.floats;
    for (size_t i = 0; i < layers.size(); ++i) {
      if (raised[i]) plan.full_precision.insert(layers[i].output);
    }
    return plan;
  }

  Outcome guard(const Candidate& candidate) {
    Outcome outcome;
    PrecisionReport& r = outcome.report;
    r.layers = candidate.int8 ? quantizer_->layers() : find_layers(graph_, profile_);
    const std::vector<bool> none(r.layers.size(), false);
    std::vector<int64_t> some = split_.held_back;
    some.resize(std::min<size_t>(some.size(), kNoiseSamples));
    r.noises =
        measure_noise(compiler_, profile_, graph_, plan_of(candidate, r.layers, none), r.layers, *samples_, some);
    std::vector<GuardedLayer> guarded;
    for (size_t i = 0; i < r.layers.size(); ++i) {
      guarded.push_back({r.layers[i].output, r.noises[i].added, r.layers[i].macs});
    }
    const double budget = options_.accuracy_drop < 0 ? std::numeric_limits<double>::infinity() : options_.accuracy_drop;
    int trials = 0;
    const GuardResult result = hold_budget(guarded, budget, kMaxTrials, [&](const std::vector<bool>& raised) {
      compiler_.reporter().advance("accuracy", trials++, kMaxTrials);
      const PrecisionPlan plan = plan_of(candidate, r.layers, raised);
      Compiled compiled = compile(compiler_.lower({graph_, {}}, plan).graph);
      return Trial{fp32_.metric - meter_->metric(std::move(compiled.engine)), compiled.us};
    });
    compiler_.reporter().advance("accuracy", kMaxTrials, kMaxTrials);
    fill(outcome, candidate, result);
    return outcome;
  }

  void fill(Outcome& outcome, const Candidate& candidate, const GuardResult& result) {
    PrecisionReport& r = outcome.report;
    r.metric_name = meter_->name();
    r.is_share = meter_->is_share();
    r.num_calibration = candidate.int8 ? static_cast<int64_t>(split_.calibration.size()) : 0;
    r.num_held_back = meter_->num_samples();
    r.budget = options_.accuracy_drop;
    r.lowest = candidate.int8 ? "int8" : std::string(name_of(candidate.floats));
    r.floats = name_of(candidate.floats);
    r.raised = result.raised;
    const auto lowered = std::count(r.raised.begin(), r.raised.end(), false);
    r.holds = result.holds && (lowered > 0 || r.layers.empty());
    r.fp32 = fp32_;
    r.lowered = {fp32_.metric - result.lowered.loss, result.lowered.us};
    r.final = {fp32_.metric - result.final.loss, result.final.us};
    r.all_macs = count_macs(graph_, profile_);
    r.warnings = findings_.warnings;
    outcome.choice.equalisation = equalisation_;
    outcome.choice.plan = plan_of(candidate, r.layers, r.raised);
    outcome.choice.summary = to_table(r);
    outcome.choice.json = to_json(r, graph_, ranges_, observations_);
    outcome.choice.metadata["precision"] = r.lowest;
    outcome.choice.metadata["accuracy.report"] = outcome.choice.json;
  }

  // --- choosing -----------------------------------------------------------------------------------------------------
  std::vector<Candidate> candidates() const {
    if (!options_.best) return {{options_.int8, wanted_floats()}};
    std::vector<Candidate> all = {{true, DType::kFloat32}};
    if (compiler_.target().isa >= Isa::kAvx512Bf16) {
      all.push_back({true, DType::kBFloat16});
      all.push_back({false, DType::kBFloat16});
    }
    return all;
  }

  PrecisionChoice best_of_candidates() {
    std::optional<Outcome> best;
    for (const Candidate& candidate : candidates()) {
      Outcome outcome = guard(candidate);
      const bool better =
          !best || (outcome.report.holds && (!best->report.holds || outcome.report.final.us < best->report.final.us));
      if (better) best = std::move(outcome);
    }
    if (options_.best && (!best->report.holds || best->report.final.us >= fp32_.us)) {
      compiler_.reporter().log(LogLevel::kInfo, "nothing is faster than FP32 within the accuracy budget");
      PrecisionChoice fp32;
      fp32.summary = best->choice.summary;
      return fp32;
    }
    if (best->report.holds) {
      if (findings_.trustworthy || options_.accuracy_drop < 0) return std::move(best->choice);
      throw Error(ErrorCode::kAccuracy,
                  fmt::format("the accuracy budget cannot be promised: the samples do not represent the model's "
                              "inputs.\n{}",
                              best->choice.summary))
          .with_hint("prepare the samples as the model's inputs will be, or accept any loss with --accuracy-drop none");
    }
    throw Error(ErrorCode::kAccuracy, fmt::format("the accuracy budget cannot be held.\n{}", best->choice.summary))
        .with_hint("allow a larger --accuracy-drop (none: anything), give more or better samples, or try --bf16");
  }

  ModelCompiler& compiler_;
  const OptimizationProfile& profile_;
  const PrecisionOptions& options_;
  Graph graph_;
  std::optional<Samples> samples_;
  SampleSplit split_;
  Observations observations_, held_back_;
  RangeTable ranges_;
  Equalisation equalisation_;
  SampleFindings findings_;
  std::optional<LayerQuantizer> quantizer_;
  std::optional<AccuracyMeter> meter_;
  MeasuredPrecision fp32_;
};

}  // namespace

ModelCompiler::Optimised PrecisionChoice::apply(const ModelCompiler& compiler,
                                                ModelCompiler::Optimised optimised) const {
  equalise_layers(optimised.graph, equalisation);
  return compiler.lower(std::move(optimised), plan);
}

PrecisionChoice choose_precision(ModelCompiler& compiler, const OptimizationProfile& profile) {
  return Chooser(compiler, profile).run();
}

}  // namespace burnish
