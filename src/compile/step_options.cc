#include "compile/step_options.h"

namespace burnish {
namespace {

bool is_static(const OptimizationProfile& profile) {
  for (const auto& [name, shapes] : profile.inputs) {
    if (!(shapes.min == shapes.max)) return false;
  }
  return true;
}

/// Removes what cannot run at the ends of the profile's range.
void keep_supported(std::vector<Candidate>& candidates, const std::optional<Problem>& problem, const Target& target) {
  std::erase_if(candidates,
                [&](const Candidate& candidate) { return problem && !candidate.tactic->supports(*problem, target); });
}

/// What has to be compiled is compiled for all steps at once.
void warm_up(const LoweredPlan& lowered, const ResolvedShapes& opt, const Tuner& tuner, const Reporter& reporter) {
  std::vector<Problem> problems;
  for (const PlanStep& step : lowered.plan.steps) {
    auto problem = step.kind == StepKind::kKernel ? problem_of(lowered, opt, step) : std::nullopt;
    if (problem) problems.push_back(std::move(*problem));
  }
  reporter.advance("compile", 0, 1);
  tuner.warm_up(problems);
  reporter.advance("compile", 1, 1);
}

}  // namespace

std::vector<StepOptions> options_of_steps(const LoweredPlan& lowered, const ResolvedShapes& opt, Tuner& tuner,
                                          const Target& target, const Reporter& reporter) {
  const auto& steps = lowered.plan.steps;
  const bool fixed = is_static(lowered.plan.profile);
  const ResolvedShapes min = fixed ? opt : values_at(lowered, ProfilePoint::kMin);
  const ResolvedShapes max = fixed ? opt : values_at(lowered, ProfilePoint::kMax);
  std::vector<StepOptions> options(steps.size());
  if (target.is_cuda()) warm_up(lowered, opt, tuner, reporter);
  for (size_t s = 0; s < steps.size(); ++s) {
    reporter.advance("tune", static_cast<int64_t>(s), static_cast<int64_t>(steps.size()));
    if (steps[s].kind != StepKind::kKernel) continue;
    with_frame([&] { return fmt::format("node {} ({})", steps[s].name, steps[s].op); },
               [&] {
                 options[s].problem = problem_of(lowered, opt, steps[s]);
                 if (options[s].problem) {
                   options[s].candidates = tuner.candidates(*options[s].problem);
                   keep_supported(options[s].candidates, problem_of(lowered, min, steps[s]), target);
                   keep_supported(options[s].candidates, problem_of(lowered, max, steps[s]), target);
                 }
                 check(options[s].problem || !target.is_cuda(), ErrorCode::kUnsupported,
                       "its shapes depend on data, which engines for GPUs cannot do yet");
                 if (options[s].candidates.empty()) options[s].candidates.push_back(tuner.reference());
               });
  }
  reporter.advance("tune", static_cast<int64_t>(steps.size()), static_cast<int64_t>(steps.size()));
  return options;
}

}  // namespace burnish
