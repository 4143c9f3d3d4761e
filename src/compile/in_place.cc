#include "compile/in_place.h"

#include <algorithm>
#include <limits>

namespace burnish {
namespace {

constexpr int32_t kForever = std::numeric_limits<int32_t>::max();

class InPlace {
 public:
  explicit InPlace(Plan& plan) : plan_(plan), last_use_(plan.values.size(), -1) {
    for (size_t s = 0; s < plan_.steps.size(); ++s) {
      for (const PlanValueId id : plan_.steps[s].inputs) touch(id, static_cast<int32_t>(s));
      for (const PlanValueId id : plan_.steps[s].outputs) touch(id, static_cast<int32_t>(s));
    }
    for (const Binding& output : plan_.outputs) touch(output.value, kForever);
  }

  bool try_step(int32_t s, const Tactic& tactic, const Problem& problem) {
    PlanStep& step = plan_.steps[static_cast<size_t>(s)];
    if (step.outputs.size() != 1) return false;
    PlanValue& output = value(step.outputs.front());
    if (output.storage != Storage::kOwn || !output.has_shape || is_concat_root(step.outputs.front())) return false;
    if (last_use_[static_cast<size_t>(step.outputs.front())] == kForever) return false;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      if (!dies_here(step, i, s) || !tactic.may_run_in_place(problem, static_cast<int>(i))) continue;
      output.storage = Storage::kAlias;
      output.root = step.inputs[i];
      touch(step.inputs[i], last_use_[static_cast<size_t>(step.outputs.front())]);
      return true;
    }
    return false;
  }

 private:
  PlanValue& value(PlanValueId id) { return plan_.values[static_cast<size_t>(id)]; }

  /// The value whose memory this one really has.
  PlanValueId root_of(PlanValueId id) {
    while (value(id).storage != Storage::kOwn && value(id).root != kAbsent) id = value(id).root;
    return id;
  }

  void touch(PlanValueId id, int32_t step) {
    if (id == kAbsent) return;
    last_use_[static_cast<size_t>(id)] = std::max(last_use_[static_cast<size_t>(id)], step);
    int32_t& root = last_use_[static_cast<size_t>(root_of(id))];
    root = std::max(root, step);
  }

  bool is_concat_root(PlanValueId id) {
    return std::any_of(plan_.values.begin(), plan_.values.end(),
                       [&](const PlanValue& v) { return v.storage == Storage::kSlice && v.root == id; });
  }

  bool dies_here(const PlanStep& step, size_t i, int32_t s) {
    const PlanValueId id = step.inputs[i];
    if (id == kAbsent) return false;
    const PlanValueId root = root_of(id);
    const PlanValue& output = value(step.outputs.front());
    const PlanValue& input = value(id);
    if (value(root).kind != ValueKind::kIntermediate || last_use_[static_cast<size_t>(root)] != s) return false;
    if (is_concat_root(root) || made_by_shape_step(root)) return false;
    if (!input.has_shape || !(num_elements(input.shape) == num_elements(output.shape))) return false;
    if (!value(root).has_shape || !(num_elements(value(root).shape) == num_elements(output.shape))) return false;
    if (size_of(input.dtype) != size_of(output.dtype)) return false;
    for (size_t other = 0; other < step.inputs.size(); ++other) {
      if (other != i && step.inputs[other] != kAbsent && root_of(step.inputs[other]) == root) return false;
    }
    return true;
  }

  bool made_by_shape_step(PlanValueId id) const {
    return std::any_of(plan_.steps.begin(), plan_.steps.end(), [&](const PlanStep& step) {
      return step.kind == StepKind::kShape &&
             std::find(step.outputs.begin(), step.outputs.end(), id) != step.outputs.end();
    });
  }

  Plan& plan_;
  std::vector<int32_t> last_use_;  ///< By value; of roots: of everything that shares their memory.
};

}  // namespace

int run_in_place(LoweredPlan& lowered, const std::vector<StepOptions>& options, const std::vector<Candidate>& chosen) {
  InPlace in_place(lowered.plan);
  int count = 0;
  for (size_t s = 0; s < chosen.size(); ++s) {
    if (chosen[s].tactic == nullptr || !options[s].problem) continue;
    count += in_place.try_step(static_cast<int32_t>(s), *chosen[s].tactic, *options[s].problem) ? 1 : 0;
  }
  return count;
}

}  // namespace burnish
