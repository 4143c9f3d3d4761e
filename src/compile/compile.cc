#include "compile/compile.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/checked.h"
#include "compile/choose.h"
#include "compile/concat_placement.h"
#include "compile/in_place.h"
#include "compile/lower.h"
#include "compile/memory_estimate.h"
#include "compile/profile_shapes.h"
#include "compile/schedule.h"
#include "compile/siblings.h"
#include "compile/step_options.h"

namespace burnish {
namespace {

/// 0 when the shape depends on data.
int64_t bytes_of(const Graph& graph, ValueId value, const GraphShapes& shapes) {
  const auto shape = shapes.shape_of(value);
  if (!shape) return 0;
  return checked_mul(static_cast<int64_t>(size_of(graph.value(value).type.dtype)), shape->num_elements());
}

/// A graph as steps, and what each could run as.
struct Prepared {
  LoweredPlan lowered;
  ResolvedShapes opt;
  std::vector<StepOptions> options;
};

Prepared prepare(const Graph& graph, const OptimizationProfile& profile, CompileSession& session) {
  const GraphShapes largest(graph, profile, ProfilePoint::kMax);
  const auto order = schedule(graph, [&](ValueId id) { return bytes_of(graph, id, largest); });
  Prepared p{lower(graph, order, profile), {}, {}};
  p.opt = values_at(p.lowered, ProfilePoint::kOpt);
  if (session.target.is_cuda()) {
    p.lowered.free_dims =
        free_dims_between(values_at(p.lowered, ProfilePoint::kMin), values_at(p.lowered, ProfilePoint::kMax));
  }
  p.options = options_of_steps(p.lowered, p.opt, session.tuner, session.target, session.reporter);
  return p;
}

/// By output name, the best time of the step that makes it; 0: not timed.
std::map<std::string, double> best_times(const Prepared& p) {
  std::map<std::string, double> times;
  for (size_t s = 0; s < p.options.size(); ++s) {
    const auto& candidates = p.options[s].candidates;
    if (candidates.empty()) continue;
    const double us = std::ranges::min_element(candidates, {}, &Candidate::us)->us;
    for (const PlanValueId id : p.lowered.plan.steps[s].outputs) {
      if (id != kAbsent) times[p.lowered.plan.values[static_cast<size_t>(id)].name] = us;
    }
  }
  return times;
}

/// The first output's name of every joined product that does not pay.
std::set<std::string> joins_that_do_not_pay(const Prepared& joined, const std::map<std::string, double>& apart_us) {
  std::set<std::string> names;
  for (size_t s = 0; s < joined.options.size(); ++s) {
    const PlanStep& step = joined.lowered.plan.steps[s];
    if (!is_joined(step.op) || step.kind != StepKind::kKernel) continue;
    const auto name_of_output = [&](PlanValueId id) -> const std::string& {
      return joined.lowered.plan.values[static_cast<size_t>(id)].name;
    };
    double parts_us = 0;
    bool all_timed = true;
    for (const PlanValueId id : step.outputs) {
      const auto part = apart_us.find(name_of_output(id));
      const double us = part == apart_us.end() ? 0 : part->second;
      parts_us += us;
      all_timed = all_timed && us > 0;
    }
    if (!pays(joined.options[s], all_timed ? parts_us : 0)) names.insert(name_of_output(step.outputs.front()));
  }
  return names;
}

/// With joined products only where they pay.
Prepared prepare_faster(const Graph& graph, const OptimizationProfile& profile, CompileSession& session) {
  Prepared joined = prepare(graph, profile, session);
  const auto count = std::ranges::count_if(joined.lowered.plan.steps, is_joined, &PlanStep::op);
  if (count == 0) return joined;
  const Prepared apart = prepare(taken_apart(graph, [](const Node&) { return true; }), profile, session);
  const std::set<std::string> slower = joins_that_do_not_pay(joined, best_times(apart));
  session.reporter.log(LogLevel::kVerbose,
                       fmt::format("joined products: {} of {} are kept, the others are faster apart",
                                   count - static_cast<int64_t>(slower.size()), count));
  if (slower.empty()) return joined;
  const auto is_slower = [&](const Node& n) { return slower.contains(graph.value(n.output()).name); };
  return prepare(taken_apart(graph, is_slower), profile, session);
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
  auto [lowered, opt, options] = prepare_faster(graph, profile, session);
  Plan& plan = lowered.plan;
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
