#include "compile/memory_estimate.h"

#include <algorithm>
#include <map>

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

int64_t scratch_of(const Candidate& candidate, const Problem& problem, const PlanStep& step, const BlobStore& blobs,
                   const Target& target) {
  std::vector<PackedView> packed;
  for (const int32_t id : step.packed) packed.push_back(blobs.bytes(id));
  try {
    return static_cast<int64_t>(candidate.tactic->prepare(problem, candidate.config, packed, target)->scratch_bytes());
  } catch (const Error&) {
    return 0;  // the context will say what is wrong with these shapes
  }
}

}  // namespace

std::vector<int64_t> scratch_bytes(const LoweredPlan& lowered, const ResolvedShapes& values,
                                   const std::vector<Candidate>& chosen, const BlobStore& blobs, const Target& target) {
  std::vector<int64_t> bytes(chosen.size(), 0);
  std::map<std::string, int64_t> known;
  for (size_t s = 0; s < chosen.size(); ++s) {
    const PlanStep& step = lowered.plan.steps[s];
    const auto problem = chosen[s].tactic == nullptr ? std::nullopt : problem_of(lowered, values, step);
    if (!problem) continue;
    const auto key = fmt::format("{}|{}|{}", chosen[s].tactic->name(), chosen[s].config, to_string(*problem));
    const auto [it, is_new] = known.try_emplace(key, 0);
    if (is_new) it->second = scratch_of(chosen[s], *problem, step, blobs, target);
    bytes[s] = it->second;
  }
  return bytes;
}

int64_t arena_bytes(const Plan& plan, const ResolvedShapes& values, const std::vector<int64_t>& scratch) {
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
  for (size_t s = 0; s < scratch.size(); ++s) {
    const auto step = static_cast<int32_t>(s);
    if (scratch[s] > 0) requests.push_back({scratch[s], step, step});
  }
  return plan_memory(requests).arena_bytes;
}

}  // namespace burnish
