#include "ops/numeric.h"

#include <algorithm>

namespace burnish {

DType dtype_of_number(int64_t number) {
  // By number; strings (8) and complex numbers (14, 15) are not held.
  static constexpr std::array<DType, 27> kTypes{
      DType::kUndefined,      DType::kFloat32,  DType::kUInt8,        DType::kInt8,           DType::kUInt16,
      DType::kInt16,          DType::kInt32,    DType::kInt64,        DType::kUndefined,      DType::kBool,
      DType::kFloat16,        DType::kFloat64,  DType::kUInt32,       DType::kUInt64,         DType::kUndefined,
      DType::kUndefined,      DType::kBFloat16, DType::kFloat8E4M3FN, DType::kFloat8E4M3FNUZ, DType::kFloat8E5M2,
      DType::kFloat8E5M2FNUZ, DType::kUInt4,    DType::kInt4,         DType::kFloat4E2M1,     DType::kFloat8E8M0,
      DType::kUInt2,          DType::kInt2};
  const bool known = number > 0 && number < static_cast<int64_t>(kTypes.size());
  const DType dtype = known ? kTypes[static_cast<size_t>(number)] : DType::kUndefined;
  check(dtype != DType::kUndefined, ErrorCode::kUnsupported, "element type number {} is not supported", number);
  return dtype;
}

DType dtype_attribute(const AttributeMap& attrs, std::string_view name, DType fallback) {
  const auto it = attrs.values().find(name);
  if (it == attrs.values().end()) return fallback;
  if (!std::holds_alternative<std::string>(it->second)) return dtype_of_number(attrs.get_int(name, 0));
  const DType dtype = parse_dtype(attrs.get_string(name, ""));
  check(dtype != DType::kUndefined, ErrorCode::kInvalidModel, "attribute '{}' names no element type: '{}'", name,
        attrs.get_string(name, ""));
  return dtype;
}

namespace {

// Strides of a dense operand along the output's dims; 0 where it is broadcast.
std::vector<int64_t> broadcast_strides(const Shape& output, const Shape& operand) {
  const int shift = output.rank() - operand.rank();
  const Shape strides = strides_of(operand);
  std::vector<int64_t> result(static_cast<size_t>(output.rank()), 0);
  bool fits = shift >= 0;
  for (int i = 0; fits && i < operand.rank(); ++i) {
    if (operand[i] != 1) result[static_cast<size_t>(i + shift)] = strides[i];
    fits = operand[i] == 1 || operand[i] == output[i + shift];
  }
  check(fits, ErrorCode::kInvalidArgument, "shape {} does not broadcast to {}", to_string(operand), to_string(output));
  return result;
}

}  // namespace

BroadcastLoop::BroadcastLoop(const Shape& output, std::span<const Shape> operands)
    : num_elements_(output.num_elements()), strides_(operands.size()) {
  std::vector<std::vector<int64_t>> full;
  for (const Shape& s : operands) full.push_back(broadcast_strides(output, s));
  std::vector<int64_t> strides(operands.size());
  for (int i = 0; i < output.rank(); ++i) {
    if (output[i] == 1) continue;
    for (size_t k = 0; k < operands.size(); ++k) strides[k] = full[k][static_cast<size_t>(i)];
    append(output[i], strides);
  }
  if (dims_.empty()) append(1, std::vector<int64_t>(operands.size(), 1));
}

void BroadcastLoop::append(int64_t dim, const std::vector<int64_t>& strides) {
  bool mergeable = !dims_.empty();
  for (size_t k = 0; mergeable && k < strides.size(); ++k) mergeable = strides_[k].back() == strides[k] * dim;
  if (mergeable) {
    dims_.back() *= dim;
    for (size_t k = 0; k < strides.size(); ++k) strides_[k].back() = strides[k];
    return;
  }
  dims_.push_back(dim);
  for (size_t k = 0; k < strides.size(); ++k) strides_[k].push_back(strides[k]);
}

void BroadcastLoop::advance(std::vector<int64_t>& index, std::vector<int64_t>& offsets) const {
  for (size_t d = dims_.size() - 1; d-- > 0;) {
    for (size_t k = 0; k < offsets.size(); ++k) offsets[k] += strides_[k][d];
    if (++index[d] < dims_[d]) return;
    for (size_t k = 0; k < offsets.size(); ++k) offsets[k] -= strides_[k][d] * dims_[d];
    index[d] = 0;
  }
}

std::optional<SymShape> broadcast_inputs(const InferContext& c, int first) {
  std::optional<SymShape> shape = SymShape{};
  for (int i = first; shape && i < c.num_inputs(); ++i) {
    if (!c.has_input(i)) continue;
    if (!c.has_shape(i)) return std::nullopt;
    shape = broadcast(*shape, c.shape(i));
  }
  return shape;
}

}  // namespace burnish
