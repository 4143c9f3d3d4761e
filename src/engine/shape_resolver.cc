#include "engine/shape_resolver.h"

#include <algorithm>

#include "ops/op.h"

namespace burnish {
namespace {

// What shape steps make are shapes, masks and tables of positions; more elements than this mean a damaged plan.
constexpr int64_t kMaxShapeTimeElements = 1 << 24;

class Resolver {
 public:
  Resolver(const Plan& plan, std::vector<Tensor> constants) : plan_(plan), dims_(plan.values.size()) {
    out_.shapes.resize(plan.values.size());
    out_.tensors = std::move(constants);
    out_.first_late_step = plan.steps.size();
  }

  ResolvedShapes run(const std::map<std::string, Shape>& input_shapes) {
    for (size_t i = 0; i < plan_.values.size(); ++i) {
      if (plan_.values[i].kind == ValueKind::kConstant) out_.shapes[i] = to_concrete(plan_.values[i].shape);
    }
    for (const Binding& b : plan_.inputs) {
      const auto given = input_shapes.find(b.name);
      auto& shape = out_.shapes[static_cast<size_t>(b.value)];
      if (given != input_shapes.end()) {
        shape = given->second;
        check_declared(b.value, plan_.values[static_cast<size_t>(b.value)].dtype, *shape);
      } else {
        shape = to_concrete(plan_.values[static_cast<size_t>(b.value)].shape);
        check(shape.has_value(), ErrorCode::kInvalidArgument, "the shape of input '{}' is not set", b.name);
      }
    }
    for (size_t s = 0; s < plan_.steps.size(); ++s) {
      const PlanStep& step = plan_.steps[s];
      const bool known =
          with_frame([&] { return fmt::format("step '{}' ({})", step.name, step.op); }, [&] { return resolve(step); });
      if (!known) out_.first_late_step = std::min(out_.first_late_step, s);
    }
    return std::move(out_);
  }

 private:
  // False when an output's shape, or the value of a shape step, has to wait for data.
  bool resolve(const PlanStep& step) {
    const bool inputs_known = std::all_of(step.inputs.begin(), step.inputs.end(), [&](PlanValueId id) {
      return id == kAbsent || out_.shapes[static_cast<size_t>(id)].has_value();
    });
    if (!inputs_known || !infer(step)) return false;
    return step.kind != StepKind::kShape || evaluate(step);
  }

  bool infer(const PlanStep& step) {
    types_.clear();
    values_.clear();
    for (const PlanValueId id : step.inputs) add_input(id);
    InferContext context(step.attrs, types_, values_, static_cast<int>(step.outputs.size()));
    find_op(step.op)->infer(context);
    bool known = true;
    for (size_t i = 0; i < step.outputs.size(); ++i) {
      const PlanValueId id = step.outputs[i];
      if (id == kAbsent) continue;
      const TypeInfo& type = context.outputs()[i];
      auto& shape = out_.shapes[static_cast<size_t>(id)];
      if (type.shape) shape = to_concrete(*type.shape);
      dims_[static_cast<size_t>(id)] = context.output_dims()[i];
      known &= shape.has_value();
      if (shape) check_declared(id, type.dtype, *shape);
    }
    return known;
  }

  void add_input(PlanValueId id) {
    if (id == kAbsent) {
      types_.emplace_back();
      values_.emplace_back();
      return;
    }
    const auto i = static_cast<size_t>(id);
    types_.push_back({plan_.values[i].dtype, to_symbolic(*out_.shapes[i])});
    values_.push_back({out_.tensors[i].defined() ? &out_.tensors[i] : nullptr, dims_[i]});
  }

  bool evaluate(const PlanStep& step) {
    const OpDescriptor& op = *find_op(step.op);
    std::vector<Tensor> inputs;
    for (const PlanValueId id : step.inputs) {
      inputs.push_back(id == kAbsent ? Tensor() : out_.tensors[static_cast<size_t>(id)]);
      if (id == kAbsent || inputs.back().defined()) continue;
      if ((op.traits & kShapeOnly) == 0) return false;
      inputs.back() =
          Tensor(plan_.values[static_cast<size_t>(id)].dtype, *out_.shapes[static_cast<size_t>(id)], nullptr, nullptr);
    }
    for (const PlanValueId id : step.outputs) {
      check(id == kAbsent || out_.shapes[static_cast<size_t>(id)]->num_elements() <= kMaxShapeTimeElements,
            ErrorCode::kUnsupported, "it would make {} elements before the model runs",
            id == kAbsent ? 0 : out_.shapes[static_cast<size_t>(id)]->num_elements());
    }
    auto outputs = evaluate_op(op, step.attrs, inputs, static_cast<int>(step.outputs.size()));
    for (size_t i = 0; i < step.outputs.size(); ++i) keep(step.outputs[i], std::move(outputs[i]));
    return true;
  }

  void keep(PlanValueId id, Tensor tensor) {
    if (id == kAbsent) return;
    const auto i = static_cast<size_t>(id);
    check(tensor.dtype() == plan_.values[i].dtype && tensor.shape() == *out_.shapes[i], ErrorCode::kInternal,
          "'{}' was evaluated to {} where {} was inferred", plan_.values[i].name, to_string(tensor.shape()),
          to_string(*out_.shapes[i]));
    out_.tensors[i] = std::move(tensor);
  }

  // The plan was made for these types; anything else means that file and program do not belong together.
  void check_declared(PlanValueId id, DType dtype, const Shape& shape) const {
    const PlanValue& v = plan_.values[static_cast<size_t>(id)];
    bool fits = dtype == v.dtype && (!v.has_shape || static_cast<int>(v.shape.size()) == shape.rank());
    for (int i = 0; fits && v.has_shape && i < shape.rank(); ++i) {
      const Dim& d = v.shape[static_cast<size_t>(i)];
      fits = shape[i] >= 0 && (!d.is_constant() || d.is(shape[i]));
    }
    const ErrorCode code = v.kind == ValueKind::kInput ? ErrorCode::kInvalidArgument : ErrorCode::kCorrupt;
    check(fits, code, "'{}' is {} {}, but the engine was built for {} {}", v.name, name_of(dtype), to_string(shape),
          name_of(v.dtype), v.has_shape ? to_string(v.shape) : std::string("of any shape"));
    shape.num_elements();
  }

  const Plan& plan_;
  ResolvedShapes out_;
  std::vector<std::optional<std::vector<Dim>>> dims_;  // by value: elements known without evaluating
  std::vector<TypeInfo> types_;
  std::vector<ValueInfo> values_;
};

}  // namespace

std::vector<Tensor> constants_of(const Plan& plan, const std::vector<Blob>& blobs) {
  std::vector<Tensor> constants(plan.values.size());
  for (size_t i = 0; i < plan.values.size(); ++i) {
    const PlanValue& v = plan.values[i];
    if (v.kind != ValueKind::kConstant || v.blob < 0) continue;
    const Blob& blob = blobs[static_cast<size_t>(v.blob)];
    // Constants are only read.
    constants[i] =
        Tensor(blob.dtype, blob.shape, std::const_pointer_cast<void>(blob.owner), const_cast<std::byte*>(blob.data));
  }
  return constants;
}

ResolvedShapes resolve_shapes(const Plan& plan, std::vector<Tensor> constants,
                              const std::map<std::string, Shape>& input_shapes) {
  return Resolver(plan, std::move(constants)).run(input_shapes);
}

ResolvedShapes resolve_shapes(const Plan& plan, const std::vector<Blob>& blobs,
                              const std::map<std::string, Shape>& input_shapes) {
  return resolve_shapes(plan, constants_of(plan, blobs), input_shapes);
}

std::vector<uint32_t> free_dims_between(const ResolvedShapes& min, const ResolvedShapes& max) {
  std::vector<uint32_t> bits(min.shapes.size(), ~uint32_t{0});
  for (size_t v = 0; v < bits.size(); ++v) {
    if (!min.shapes[v] || !max.shapes[v] || min.shapes[v]->rank() != max.shapes[v]->rank()) continue;
    bits[v] = 0;
    for (int i = 0; i < min.shapes[v]->rank(); ++i) {
      if ((*min.shapes[v])[i] != (*max.shapes[v])[i]) bits[v] |= uint32_t{1} << static_cast<unsigned>(i);
    }
  }
  return bits;
}

}  // namespace burnish
