#include "ops/op.h"

#include <new>
#include <stdexcept>

#include "ops/elements.h"

namespace burnish {
namespace {

// Integer tensors beyond this size hold data, not shapes.
constexpr int64_t kMaxFollowedElements = 4096;

bool holds_integers(DType dtype) {
  return (is_integer(dtype) && dtype < DType::kInt4) || dtype == DType::kBool;
}

}  // namespace

InferContext::InferContext(const AttributeMap& attrs, std::span<const TypeInfo> types,
                           std::span<const ValueInfo> values, int num_outputs, std::string_view origin)
    : attrs_(attrs),
      types_(types),
      values_(values),
      origin_(origin),
      outputs_(static_cast<size_t>(num_outputs)),
      output_dims_(static_cast<size_t>(num_outputs)) {}

const SymShape& InferContext::shape(int i) const {
  check(has_input(i), ErrorCode::kInvalidModel, "input {} is missing", i);
  check(has_shape(i), ErrorCode::kInvalidModel, "the rank of input {} is not known", i);
  return *types_[static_cast<size_t>(i)].shape;
}

const Tensor* InferContext::constant(int i) const {
  return has_input(i) && static_cast<size_t>(i) < values_.size() ? values_[static_cast<size_t>(i)].constant : nullptr;
}

std::optional<std::vector<Dim>> InferContext::dims(int i) const {
  if (!has_input(i) || static_cast<size_t>(i) >= values_.size()) return std::nullopt;
  const ValueInfo& value = values_[static_cast<size_t>(i)];
  if (value.dims) return value.dims;
  if (value.constant == nullptr || !holds_integers(value.constant->dtype())) return std::nullopt;
  const int64_t n = value.constant->num_elements();
  if (n > kMaxFollowedElements) return std::nullopt;
  const std::vector<int64_t> ints = ints_of(value.constant->view());
  return std::vector<Dim>(ints.begin(), ints.end());
}

std::optional<std::vector<int64_t>> InferContext::ints(int i) const {
  if (const Tensor* t = constant(i); t != nullptr && holds_integers(t->dtype())) return ints_of(t->view());
  const auto symbolic = dims(i);
  if (!symbolic) return std::nullopt;
  std::vector<int64_t> out;
  for (const Dim& d : *symbolic) {
    if (!d.is_constant()) return std::nullopt;
    out.push_back(d.value());
  }
  return out;
}

void InferContext::set_output(int i, DType dtype, std::optional<SymShape> shape) {
  if (i < num_outputs()) outputs_[static_cast<size_t>(i)] = {dtype, std::move(shape)};
}

void InferContext::set_output_dims(int i, std::vector<Dim> dims) {
  if (i < num_outputs()) output_dims_[static_cast<size_t>(i)] = std::move(dims);
}

const TensorView& EvalContext::input(int i) const {
  check(has_input(i), ErrorCode::kInvalidModel, "input {} is missing", i);
  return inputs_[static_cast<size_t>(i)];
}

TensorView EvalContext::output(int i) const {
  check(wants_output(i), ErrorCode::kInternal, "output {} is not wanted", i);
  const Tensor& tensor = outputs_[static_cast<size_t>(i)];
  check(tensor.defined(), ErrorCode::kInvalidModel, "the shape of output {} is not known", i);
  return tensor.view();
}

TensorView EvalContext::allocate(int i, DType dtype, const Shape& shape) {
  check(wants_output(i), ErrorCode::kInternal, "output {} is not wanted", i);
  return (outputs_[static_cast<size_t>(i)] = Tensor(dtype, shape)).view();
}

namespace {

void check_arity(const OpDescriptor& op, std::span<const Tensor> inputs, int num_outputs) {
  const auto n = static_cast<int>(inputs.size());
  check(n >= op.min_inputs && (op.max_inputs < 0 || n <= op.max_inputs), ErrorCode::kInvalidModel,
        "{} has {} inputs, which it cannot take", op.name, n);
  check(num_outputs >= 0 && (op.max_outputs < 0 || num_outputs <= op.max_outputs), ErrorCode::kInvalidModel,
        "{} has {} outputs, which it cannot make", op.name, num_outputs);
}

std::vector<Tensor> allocate_outputs(const OpDescriptor& op, const AttributeMap& attrs, std::span<const Tensor> inputs,
                                     int num_outputs) {
  std::vector<TypeInfo> types;
  std::vector<ValueInfo> values;
  for (const Tensor& t : inputs) {
    types.push_back(t.defined() ? TypeInfo{t.dtype(), to_symbolic(t.shape())} : TypeInfo{});
    values.push_back({t.defined() ? &t : nullptr, std::nullopt});
  }
  InferContext context(attrs, types, values, num_outputs);
  op.infer(context);
  std::vector<Tensor> outputs;
  for (const TypeInfo& type : context.outputs()) {
    const auto shape = type.shape ? to_concrete(*type.shape) : std::nullopt;
    outputs.push_back(shape && type.dtype != DType::kUndefined ? Tensor(type.dtype, *shape) : Tensor());
  }
  const bool must_know = (op.traits & kDataDependentShape) == 0 && !outputs.empty();
  check(!must_know || outputs[0].defined(), ErrorCode::kInvalidModel,
        "the output's shape does not follow from the inputs of {}", op.name);
  return outputs;
}

}  // namespace

std::vector<Tensor> evaluate_op(const OpDescriptor& op, const AttributeMap& attrs, std::span<const Tensor> inputs,
                                int num_outputs) {
  check_arity(op, inputs, num_outputs);
  std::vector<Tensor> outputs = allocate_outputs(op, attrs, inputs, num_outputs);
  std::vector<TensorView> views;
  for (const Tensor& t : inputs) views.push_back(t.defined() ? t.view() : TensorView{});
  EvalContext context(attrs, views, outputs);
  try {
    op.evaluate(context);
  } catch (const std::bad_alloc&) {
    throw_error(ErrorCode::kOutOfMemory, "{} needs more memory than there is", op.name);
  } catch (const std::length_error&) {
    throw_error(ErrorCode::kOutOfMemory, "{} needs more memory than there is", op.name);
  }
  return outputs;
}

}  // namespace burnish
