#include "ops/infer.h"

#include <algorithm>

#include "ops/elements.h"

namespace burnish {

void infer_unknown(InferContext& c, DType dtype) {
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, dtype, std::nullopt);
}

void infer_like(InferContext& c, int i, int j) {
  c.set_output(i, c.dtype(j), c.has_shape(j) ? std::optional<SymShape>(c.shape(j)) : std::nullopt);
}

int axis_of(const AttributeMap& attrs, std::string_view name, int64_t fallback, int rank) {
  const int64_t axis = attrs.get_int(name, fallback);
  check(axis >= -rank && axis < rank, ErrorCode::kInvalidModel, "attribute {} = {} is outside [{}, {}]", name, axis,
        -rank, rank - 1);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

std::vector<int> normalize_axes(std::span<const int64_t> axes, int rank) {
  std::vector<int> result;
  for (int64_t axis : axes) {
    const int a = normalize_axis(axis, rank);
    check(std::find(result.begin(), result.end(), a) == result.end(), ErrorCode::kInvalidModel,
          "axis {} is named twice", axis);
    result.push_back(a);
  }
  return result;
}

void require_rank(const InferContext& c, int i, int rank) {
  if (!c.has_shape(i)) return;
  check(c.rank(i) == rank, ErrorCode::kInvalidModel, "input {} must have {} dimensions, not {}", i, rank,
        to_string(c.shape(i)));
}

void require_min_rank(const InferContext& c, int i, int rank) {
  if (!c.has_shape(i)) return;
  check(c.rank(i) >= rank, ErrorCode::kInvalidModel, "input {} must have at least {} dimensions, not {}", i, rank,
        to_string(c.shape(i)));
}

void require_same_dtype(const InferContext& c, int i, int j) {
  if (!c.has_input(i) || !c.has_input(j)) return;
  check(c.dtype(i) == c.dtype(j), ErrorCode::kInvalidModel, "inputs {} and {} have different types: {} and {}", i, j,
        name_of(c.dtype(i)), name_of(c.dtype(j)));
}

void require_real(const InferContext& c, int i) {
  if (!c.has_input(i)) return;
  check(is_real(c.dtype(i)), ErrorCode::kInvalidModel, "input {} must be floating point, not {}", i,
        name_of(c.dtype(i)));
}

void require_index(const InferContext& c, int i) {
  if (!c.has_input(i)) return;
  check(c.dtype(i) == DType::kInt64 || c.dtype(i) == DType::kInt32, ErrorCode::kInvalidModel,
        "input {} must be int32 or int64, not {}", i, name_of(c.dtype(i)));
}

void require_equal(const Dim& a, const Dim& b, std::string_view what) {
  if (!a.is_constant() || !b.is_constant()) return;
  check(a.value() == b.value(), ErrorCode::kInvalidModel, "{}: {} against {}", what, a.value(), b.value());
}

Dim more_concrete(const Dim& a, const Dim& b) {
  return !a.is_constant() && b.is_constant() ? b : a;
}

std::optional<int64_t> length_of(const InferContext& c, int i) {
  if (!c.has_shape(i) || c.rank(i) != 1 || !c.shape(i)[0].is_constant()) return std::nullopt;
  return c.shape(i)[0].value();
}

void pass_dims(InferContext& c) {
  if (auto dims = c.dims(0)) c.set_output_dims(0, std::move(*dims));
}

Dim data_dim(std::string_view op, const InferContext& c) {
  if (!c.origin().empty()) return Dim::symbol(fmt::format("{}_of_{}", op, c.origin()));
  return Dim::symbol(std::string(op) + "(" + (c.has_shape(0) ? to_string(c.shape(0)) : "?") + ")");
}

void require_choice(std::string_view attribute, std::string_view value, std::span<const std::string_view> choices) {
  check(std::find(choices.begin(), choices.end(), value) != choices.end(), ErrorCode::kInvalidModel,
        "attribute {} has the unknown value '{}'", attribute, value);
}

}  // namespace burnish
