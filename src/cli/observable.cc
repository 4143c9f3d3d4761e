#include "cli/observable.h"

#include <algorithm>
#include <set>

namespace burnish::cli {
namespace {

/// Between the names of the nodes that one step stands for.
constexpr std::string_view kNameJoint = " + ";

/// A value that shares its input's memory although its step computes gets memory of its own.
void leave_place(Plan& plan) {
  for (const PlanStep& step : plan.steps) {
    if (step.kind != StepKind::kKernel) continue;
    for (const PlanValueId id : step.outputs) {
      if (id == kAbsent) continue;
      PlanValue& value = plan.values[static_cast<size_t>(id)];
      if (value.storage != Storage::kAlias) continue;
      value.storage = Storage::kOwn;
      value.root = kAbsent;
    }
  }
}

void observe(Plan& plan) {
  leave_place(plan);
  std::set<std::string> names;
  for (const Binding& output : plan.outputs) names.insert(output.name);
  for (const PlanStep& step : plan.steps) {
    if (step.kind == StepKind::kShape) continue;
    for (const PlanValueId id : step.outputs) {
      if (id == kAbsent) continue;
      const PlanValue& value = plan.values[static_cast<size_t>(id)];
      if (value.has_shape && names.insert(value.name).second) plan.outputs.push_back({value.name, id});
    }
  }
}

}  // namespace

std::vector<Observation> observations_of(const EngineData& observable) {
  const Plan& plan = observable.plans.front();
  std::set<PlanValueId> visible;
  for (const Binding& output : plan.outputs) visible.insert(output.value);
  std::vector<Observation> observations;
  for (const PlanStep& step : plan.steps) {
    if (step.outputs.empty() || !visible.contains(step.outputs.front())) continue;
    const size_t joint = step.name.rfind(kNameJoint);
    const std::string node = joint == std::string::npos ? step.name : step.name.substr(joint + kNameJoint.size());
    observations.push_back({plan.values[static_cast<size_t>(step.outputs.front())].name, node});
  }
  return observations;
}

EngineData make_observable(EngineData engine) {
  // Plans may name their intermediate values differently, but all must have the same outputs: only the first stays.
  engine.plans.resize(1);
  observe(engine.plans.front());
  return engine;
}

}  // namespace burnish::cli
