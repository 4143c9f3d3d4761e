#include "compile/compile.h"

#include <algorithm>

#include "base/checked.h"
#include "compile/choose.h"
#include "compile/concat_placement.h"
#include "compile/in_place.h"
#include "compile/lower.h"
#include "compile/memory_estimate.h"
#include "compile/profile_shapes.h"
#include "compile/schedule.h"
#include "compile/step_options.h"

namespace burnish {
namespace {

/// 0 when the shape depends on data.
int64_t bytes_of(const Graph& graph, ValueId value, const GraphShapes& shapes) {
  const auto shape = shapes.shape_of(value);
  if (!shape) return 0;
  return checked_mul(static_cast<int64_t>(size_of(graph.value(value).type.dtype)), shape->num_elements());
}

void assign_tactics(Plan& plan, const std::vector<Candidate>& chosen) {
  for (size_t s = 0; s < chosen.size(); ++s) {
    if (chosen[s].tactic == nullptr) continue;
    PlanStep& step = plan.steps[s];
    step.tactic = std::string(chosen[s].tactic->name());
    step.tactic_version = chosen[s].tactic->version();
    step.config = chosen[s].config;
    step.predicted_us = chosen[s].us;
  }
}

/// A concat costs only what is still copied.
void price_concats(Plan& plan, const std::vector<PlacementEdge>& edges, const std::vector<bool>& placed) {
  for (size_t e = 0; e < edges.size(); ++e) {
    double& us = plan.steps[static_cast<size_t>(edges[e].concat)].predicted_us;
    if (placed[e]) us = std::max(0.0, us - edges[e].copy_us);
  }
}

void predict(LoweredPlan& lowered, const std::vector<Candidate>& chosen, const CompileSession& session) {
  Plan& plan = lowered.plan;
  for (const PlanStep& step : plan.steps) plan.predicted_us += step.predicted_us;
  const ResolvedShapes max = values_at(lowered, ProfilePoint::kMax);
  const auto scratch = scratch_bytes(lowered, max, chosen, session.blobs, session.target);
  plan.predicted_arena_bytes = arena_bytes(plan, max, scratch);
}

void report(const Plan& plan, int num_in_place, const std::vector<bool>& placed, const Reporter& reporter) {
  reporter.log(
      LogLevel::kVerbose,
      fmt::format(
          "plan: {} steps, {} outputs in place, {} of {} concat inputs placed, {:.3f} ms predicted, {:.1f} MB arena",
          plan.steps.size(), num_in_place, std::count(placed.begin(), placed.end(), true), placed.size(),
          plan.predicted_us / 1e3, static_cast<double>(plan.predicted_arena_bytes) / 1e6));
}

}  // namespace

Plan compile_plan(const Graph& graph, const OptimizationProfile& profile, CompileSession& session) {
  const GraphShapes largest(graph, profile, ProfilePoint::kMax);
  const auto order = schedule(graph, [&](ValueId id) { return bytes_of(graph, id, largest); });
  LoweredPlan lowered = lower(graph, order, profile);
  Plan& plan = lowered.plan;

  const ResolvedShapes opt = values_at(lowered, ProfilePoint::kOpt);
  if (session.target.is_cuda()) {
    lowered.free_dims =
        free_dims_between(values_at(lowered, ProfilePoint::kMin), values_at(lowered, ProfilePoint::kMax));
  }
  const auto options = options_of_steps(lowered, opt, session.tuner, session.target, session.reporter);
  const auto edges = find_placements(lowered, opt, options);
  const Choice choice = choose(options, edges);
  for (size_t e = 0; e < edges.size(); ++e) {
    if (choice.placed[e]) place(plan, edges[e]);
  }
  const int num_in_place = run_in_place(lowered, options, choice.candidates);
  assign_tactics(plan, choice.candidates);
  price_concats(plan, edges, choice.placed);
  pack_weights(lowered, options, choice.candidates, session.blobs, session.reporter);
  predict(lowered, choice.candidates, session);
  report(plan, num_in_place, choice.placed, session.reporter);
  return std::move(lowered.plan);
}

}  // namespace burnish
