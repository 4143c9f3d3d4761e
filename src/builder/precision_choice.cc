#include "builder/precision_choice.h"

#include <limits>

#include "builder/accuracy_meter.h"
#include "builder/calibration.h"
#include "builder/layer_quantizer.h"
#include "builder/precision_options.h"
#include "builder/precision_report.h"

namespace burnish {
namespace {

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
    calibration_.graph = compiler_.optimise(profile_, true, true).graph;
    if (options_.has_samples()) samples_ = load_samples(compiler_, profile_);
    const bool may_quantise = options_.best && !compiler_.target().is_cuda();
    if (options_.int8 || may_quantise) calibrate_layers();
    if (!samples_) return quantised_unmeasured();
    measure_reference();
    return best_of_candidates();
  }

 private:
  /// What to try: on integers or not, and how floats are stored.
  struct Candidate {
    bool int8 = false;
    DType floats = DType::kFloat32;
    /// What the layers are lowered to.
    std::string precision() const { return int8 ? "int8" : std::string(name_of(floats)); }
  };
  struct Outcome {
    PrecisionChoice choice;
    PrecisionReport report;
  };

  DType wanted_floats() const {
    return options_.bf16 ? DType::kBFloat16 : options_.fp16 ? DType::kFloat16 : DType::kFloat32;
  }

  Candidate wanted() const { return {options_.int8, wanted_floats()}; }

  static PrecisionChoice choice_of(const Candidate& candidate, PrecisionPlan plan) {
    PrecisionChoice choice;
    choice.plan = std::move(plan);
    choice.metadata["precision"] = candidate.precision();
    return choice;
  }

  PrecisionChoice lowered_unmeasured() const {
    PrecisionPlan plan;
    plan.floats = wanted_floats();
    return choice_of(wanted(), std::move(plan));
  }

  PrecisionChoice quantised_unmeasured() {
    compiler_.reporter().log(LogLevel::kWarning,
                             "accuracy is not measured without samples: add --calibrate DATA to have it guarded");
    return choice_of(wanted(), plan_of(wanted(), {}, std::vector<bool>(quantizer_->layers().size(), false)));
  }

  void calibrate_layers() {
    calibration_ = calibrate(compiler_, profile_, std::move(calibration_.graph), samples_ ? &*samples_ : nullptr);
    const size_t num_layers = find_layers(calibration_.graph, profile_).size();
    quantizer_.emplace(calibration_.graph, profile_, calibration_.ranges, calibration_.observations);
    const size_t num_left = num_layers - quantizer_->layers().size();
    if (num_left == 0) return;
    compiler_.reporter().log(
        LogLevel::kWarning,
        fmt::format("{} of {} layers have no ranges: they are not computed on integers", num_left, num_layers));
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
    meter_.emplace(options_, samples_->samples, samples_->split.held_back, std::move(fp32.engine),
                   compiler_.target());
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
    r.layers = candidate.int8 ? quantizer_->layers() : find_layers(calibration_.graph, profile_);
    const std::vector<bool> none(r.layers.size(), false);
    std::vector<int64_t> some = samples_->split.held_back;
    some.resize(std::min<size_t>(some.size(), kNoiseSamples));
    r.noises = measure_noise(compiler_, profile_, calibration_.graph, plan_of(candidate, r.layers, none), r.layers,
                             samples_->samples, some);
    fill(outcome, candidate, raise_layers(candidate, r));
    return outcome;
  }

  /// Raises layers until the budget holds, each trial a whole engine.
  GuardResult raise_layers(const Candidate& candidate, const PrecisionReport& r) {
    std::vector<GuardedLayer> guarded;
    for (size_t i = 0; i < r.layers.size(); ++i) {
      guarded.push_back({r.layers[i].output, r.noises[i].added, r.layers[i].macs});
    }
    const double budget = options_.accuracy_drop < 0 ? std::numeric_limits<double>::infinity() : options_.accuracy_drop;
    int trials = 0;
    GuardResult result = hold_budget(guarded, budget, kMaxTrials, [&](const std::vector<bool>& raised) {
      compiler_.reporter().advance("accuracy", trials++, kMaxTrials);
      const PrecisionPlan plan = plan_of(candidate, r.layers, raised);
      Compiled compiled = compile(compiler_.lower({calibration_.graph, {}}, plan).graph);
      return Trial{fp32_.metric - meter_->metric(std::move(compiled.engine)), compiled.us};
    });
    compiler_.reporter().advance("accuracy", kMaxTrials, kMaxTrials);
    return result;
  }

  void fill(Outcome& outcome, const Candidate& candidate, const GuardResult& result) {
    PrecisionReport& r = outcome.report;
    r.metric_name = meter_->name();
    r.is_share = meter_->is_share();
    r.num_calibration = candidate.int8 ? static_cast<int64_t>(samples_->split.calibration.size()) : 0;
    r.num_held_back = meter_->num_samples();
    r.budget = options_.accuracy_drop;
    r.lowest = candidate.precision();
    r.floats = name_of(candidate.floats);
    r.raised = result.raised;
    const auto lowered = std::count(r.raised.begin(), r.raised.end(), false);
    r.holds = result.holds && (lowered > 0 || r.layers.empty());
    r.fp32 = fp32_;
    r.lowered = {fp32_.metric - result.lowered.loss, result.lowered.us};
    r.final = {fp32_.metric - result.final.loss, result.final.us};
    r.all_macs = count_macs(calibration_.graph, profile_);
    r.warnings = calibration_.findings.warnings;
    outcome.choice = choice_of(candidate, plan_of(candidate, r.layers, r.raised));
    outcome.choice.equalisation = calibration_.equalisation;
    outcome.choice.summary = to_table(r);
    outcome.choice.json = to_json(r, calibration_.graph, calibration_.ranges, calibration_.observations);
    outcome.choice.metadata["accuracy.report"] = outcome.choice.json;
  }

  // --- choosing -----------------------------------------------------------------------------------------------------
  std::vector<Candidate> candidates() const {
    if (!options_.best) return {wanted()};
    if (compiler_.target().is_cuda()) return {{false, DType::kFloat16}, {false, DType::kBFloat16}};
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
    check_promise(best->report.holds, best->choice.summary);
    return std::move(best->choice);
  }

  /// An engine is only built when its accuracy can be vouched for.
  void check_promise(bool holds, const std::string& summary) const {
    if (!holds) {
      throw Error(ErrorCode::kAccuracy, fmt::format("the accuracy budget cannot be held.\n{}", summary))
          .with_hint("allow a larger --accuracy-drop (none: anything), give more or better samples, or try --bf16");
    }
    if (calibration_.findings.trustworthy || options_.accuracy_drop < 0) return;
    throw Error(ErrorCode::kAccuracy,
                fmt::format("the accuracy budget cannot be promised: the samples do not represent the model's "
                            "inputs.\n{}",
                            summary))
        .with_hint("prepare the samples as the model's inputs will be, or accept any loss with --accuracy-drop none");
  }

  ModelCompiler& compiler_;
  const OptimizationProfile& profile_;
  const PrecisionOptions& options_;
  std::optional<SplitSamples> samples_;
  Calibration calibration_;
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
