#include "compile/step_problem.h"

#include "base/hash.h"
#include "ops/encoding.h"

namespace burnish {
namespace {

/// Elements of small integer constants steer kernels (axes, starts, pads), so they belong into the key; of other
/// constants only the shape does.
constexpr int64_t kMaxKeyElements = 64;

int64_t stride_of(const std::vector<int64_t>& strides, size_t i) {
  return i < strides.size() ? strides[i] : 0;
}

std::string describe(const TensorDesc& desc) {
  if (!desc.present()) return "_";
  std::string text = std::string(name_of(desc.dtype)) + to_string(desc.shape);
  if (!desc.dense()) text += fmt::format("/{}", desc.row_stride);
  if (desc.free_dims != 0) text += fmt::format("~{:x}", desc.free_dims);
  return text;
}

/// Attributes without scales and zero points: those differ from layer to layer, but take no time.
std::string describe(const AttributeMap& attrs) {
  AttributeMap kept;
  for (const auto& [name, value] : attrs.values()) {
    if (!is_scale_attribute(name)) kept.set(name, value);
  }
  return to_string(kept);
}

std::string describe_constant(const Tensor& tensor) {
  if (!tensor.defined() || is_floating(tensor.dtype()) || tensor.num_elements() > kMaxKeyElements) return "c";
  return fmt::format("c{:x}", hash64({static_cast<const std::byte*>(tensor.data()), tensor.num_bytes()}));
}

}  // namespace

ResolvedShapes values_at(const LoweredPlan& lowered, ProfilePoint point) {
  std::map<std::string, Shape> input_shapes;
  for (const auto& [name, shapes] : lowered.plan.profile.inputs) input_shapes.emplace(name, shape_at(shapes, point));
  return resolve_shapes(lowered.plan, lowered.constants, input_shapes);
}

std::optional<Problem> problem_of(const LoweredPlan& lowered, const ResolvedShapes& values, const PlanStep& step,
                                  const SliceUse& slices) {
  Problem problem;
  problem.op = step.op;
  problem.attrs = &step.attrs;
  bool concrete = true;
  const auto describe_value = [&](PlanValueId id, int64_t row_stride) {
    TensorDesc desc;
    if (id == kAbsent) return desc;
    const auto& shape = values.shapes[static_cast<size_t>(id)];
    concrete &= shape.has_value();
    if (shape) desc = {lowered.plan.values[static_cast<size_t>(id)].dtype, *shape, row_stride};
    if (shape && !lowered.free_dims.empty()) desc.free_dims = lowered.free_dims[static_cast<size_t>(id)];
    return desc;
  };
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const PlanValueId id = step.inputs[i];
    problem.inputs.push_back(describe_value(id, stride_of(slices.input_row_stride, i)));
    problem.constants.push_back(id == kAbsent ? Tensor() : values.tensors[static_cast<size_t>(id)]);
    problem.is_constant.push_back(id != kAbsent && lowered.constants[static_cast<size_t>(id)].defined());
  }
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    problem.outputs.push_back(describe_value(step.outputs[i], stride_of(slices.output_row_stride, i)));
  }
  return concrete ? std::optional<Problem>(std::move(problem)) : std::nullopt;
}

std::string to_string(const Problem& problem) {
  std::string text = fmt::format("{}{{{}}}(", problem.op, problem.attrs == nullptr ? "" : describe(*problem.attrs));
  for (size_t i = 0; i < problem.inputs.size(); ++i) {
    if (i > 0) text += ",";
    text += describe(problem.inputs[i]);
    if (problem.constants[i].defined() || problem.is_constant[i]) text += describe_constant(problem.constants[i]);
  }
  text += ")->";
  for (size_t i = 0; i < problem.outputs.size(); ++i) {
    if (i > 0) text += ",";
    text += describe(problem.outputs[i]);
  }
  return text;
}

}  // namespace burnish
