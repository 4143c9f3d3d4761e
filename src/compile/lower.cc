#include "compile/lower.h"

#include <algorithm>

namespace burnish {
namespace {

class Lowering {
 public:
  explicit Lowering(const Graph& graph) : graph_(graph), ids_(static_cast<size_t>(graph.num_value_ids()), kAbsent) {}

  LoweredPlan run(const std::vector<NodeId>& order, const OptimizationProfile& profile) {
    out_.plan.profile = profile;
    for (const ValueId input : graph_.inputs()) {
      out_.plan.inputs.push_back({graph_.value(input).name, plan_value(input, ValueKind::kInput)});
    }
    for (const NodeId id : order) out_.plan.steps.push_back(step_of(graph_.node(id)));
    for (const Graph::Output& output : graph_.outputs()) {
      out_.plan.outputs.push_back({output.name, plan_value(output.value, kind_of(output.value))});
    }
    return std::move(out_);
  }

 private:
  ValueKind kind_of(ValueId id) const {
    if (graph_.value(id).is_constant()) return ValueKind::kConstant;
    return graph_.is_input(id) ? ValueKind::kInput : ValueKind::kIntermediate;
  }

  /// Values enter the plan when they are first met, so that the ids do not depend on dead parts of the graph.
  PlanValueId plan_value(ValueId id, ValueKind kind) {
    if (id == kNoValue) return kAbsent;
    PlanValueId& known = ids_[static_cast<size_t>(id)];
    if (known != kAbsent) return known;
    const Value& value = graph_.value(id);
    known = static_cast<PlanValueId>(out_.plan.values.size());
    PlanValue made;
    made.name = value.name;
    made.dtype = value.type.dtype;
    made.kind = kind;
    made.has_shape = value.type.shape.has_value();
    if (made.has_shape) made.shape = *value.type.shape;
    if (kind == ValueKind::kConstant) {
      made.dtype = value.constant.dtype();
      made.has_shape = true;
      made.shape = to_symbolic(value.constant.shape());
    }
    out_.plan.values.push_back(std::move(made));
    out_.constants.push_back(value.constant);
    from_shape_.push_back(kind == ValueKind::kConstant);
    return known;
  }

  PlanStep step_of(const Node& node) {
    PlanStep step;
    step.op = node.op;
    step.name = node.name;
    step.attrs = node.attrs;
    for (const ValueId id : node.inputs) {
      step.inputs.push_back(id == kNoValue ? kAbsent : plan_value(id, kind_of(id)));
    }
    for (const ValueId id : node.outputs) step.outputs.push_back(plan_value(id, ValueKind::kIntermediate));
    step.kind = kind_of_step(node, step);
    if (step.kind == StepKind::kShape) {
      for (const PlanValueId id : step.outputs) {
        if (id != kAbsent) from_shape_[static_cast<size_t>(id)] = true;
      }
    }
    if (step.kind == StepKind::kView) make_alias(step);
    return step;
  }

  StepKind kind_of_step(const Node& node, const PlanStep& step) const {
    const OpDescriptor* op = find_op(node.op);
    check(op != nullptr, ErrorCode::kInternal, "operator '{}' is not in the table", node.op);
    const bool known = std::all_of(step.inputs.begin(), step.inputs.end(), [&](PlanValueId id) {
      return id == kAbsent || from_shape_[static_cast<size_t>(id)];
    });
    const bool must_run = (op->traits & (kRandom | kDataDependentShape)) != 0;
    if (!must_run && (known || (op->traits & kShapeOnly) != 0)) return StepKind::kShape;
    const bool view = (op->traits & OpTraits::kView) != 0 && step.outputs.size() == 1 && !step.inputs.empty() &&
                      step.inputs.front() != kAbsent && !from_shape_[static_cast<size_t>(step.inputs.front())];
    return view ? StepKind::kView : StepKind::kKernel;
  }

  void make_alias(const PlanStep& step) {
    PlanValue& output = out_.plan.values[static_cast<size_t>(step.outputs.front())];
    output.storage = Storage::kAlias;
    output.root = step.inputs.front();
  }

  const Graph& graph_;
  LoweredPlan out_;
  std::vector<PlanValueId> ids_;
  std::vector<bool> from_shape_;  ///< By PlanValueId: known once the input shapes are.
};

}  // namespace

LoweredPlan lower(const Graph& graph, const std::vector<NodeId>& order, const OptimizationProfile& profile) {
  return Lowering(graph).run(order, profile);
}

std::vector<int32_t> producers_of(const Plan& plan) {
  std::vector<int32_t> producers(plan.values.size(), -1);
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    for (const PlanValueId id : plan.steps[s].outputs) {
      if (id != kAbsent) producers[static_cast<size_t>(id)] = static_cast<int32_t>(s);
    }
  }
  return producers;
}

std::vector<std::vector<Reader>> readers_of(const Plan& plan) {
  std::vector<std::vector<Reader>> readers(plan.values.size());
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const auto& inputs = plan.steps[s].inputs;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i] == kAbsent) continue;
      readers[static_cast<size_t>(inputs[i])].push_back({static_cast<int32_t>(s), static_cast<int32_t>(i)});
    }
  }
  return readers;
}

}  // namespace burnish
