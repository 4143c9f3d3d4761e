#include "compile/memory_estimate.h"

#include <algorithm>

#include "base/checked.h"
#include "engine/memory_planner.h"
#include "engine/verify.h"

namespace burnish {
namespace {

struct Lifetime {
  int32_t first = -1, last = -1;
  void touch(int32_t step) {
    first = first < 0 ? step : std::min(first, step);
    last = std::max(last, step);
  }
};

/// By value that has memory of its own: the steps between which it holds something.
std::vector<Lifetime> lifetimes(const Plan& plan) {
  std::vector<Lifetime> lives(plan.values.size());
  const auto touch = [&](PlanValueId id, size_t step) {
    if (id != kAbsent) lives[static_cast<size_t>(memory_root(plan, id))].touch(static_cast<int32_t>(step));
  };
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    if (plan.steps[s].kind == StepKind::kShape) continue;
    for (const PlanValueId id : plan.steps[s].inputs) touch(id, s);
    for (const PlanValueId id : plan.steps[s].outputs) touch(id, s);
  }
  for (const Binding& output : plan.outputs) touch(output.value, plan.steps.size());
  return lives;
}

}  // namespace

int64_t arena_bytes(const Plan& plan, const ResolvedShapes& values) {
  const std::vector<Lifetime> lives = lifetimes(plan);
  std::vector<BufferRequest> requests;
  for (size_t v = 0; v < lives.size(); ++v) {
    const PlanValue& value = plan.values[v];
    const bool in_arena = value.kind == ValueKind::kIntermediate && value.storage == Storage::kOwn &&
                          lives[v].first >= 0 && values.shapes[v] && !values.tensors[v].defined();
    if (!in_arena) continue;
    const int64_t bytes = checked_mul(values.shapes[v]->num_elements(), static_cast<int64_t>(size_of(value.dtype)));
    requests.push_back({bytes, lives[v].first, lives[v].last});
  }
  return plan_memory(requests).arena_bytes;
}

}  // namespace burnish
