#include "ops/generator.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/checked.h"
#include "ops/infer.h"
#include "ops/numeric.h"
#include "ops/strided.h"

namespace burnish {
namespace {

// The one number that input i holds.
template <typename T>
T number_at(const TensorView& view, int i) {
  check(view.num_elements() == 1, ErrorCode::kInvalidModel, "input {} must be one number, not {}", i,
        to_string(view.shape));
  T value{};
  load_elements<T>(view, &value);
  return value;
}

// --- Range
// ------------------------------------------------------------------------------------------------------------

int64_t range_length(double start, double limit, double delta) {
  check(delta != 0 && std::isfinite(start) && std::isfinite(limit) && std::isfinite(delta), ErrorCode::kInvalidArgument,
        "no range goes from {} to {} by {}", start, limit, delta);
  const double n = std::ceil((limit - start) / delta);
  check(n < 0x1p62, ErrorCode::kInvalidArgument, "a range from {} to {} by {} is too long", start, limit, delta);
  return n > 0 ? static_cast<int64_t>(n) : 0;
}

// Exact where doubles are not.
int64_t range_length(int64_t start, int64_t limit, int64_t delta) {
  check(delta != 0, ErrorCode::kInvalidArgument, "a range by 0 has no end");
  if (delta > 0 ? limit <= start : limit >= start) return 0;
  return max(ceil_div(Dim(limit) - Dim(start), Dim(delta)), Dim(0)).value();
}

std::optional<Dim> symbolic_length(const InferContext& c) {
  std::array<Dim, 3> values;
  for (int i = 0; i < 3; ++i) {
    const auto dims = c.dims(i);
    if (!dims || dims->size() != 1) return std::nullopt;
    values[static_cast<size_t>(i)] = (*dims)[0];
  }
  const auto& [start, limit, delta] = values;
  if (start.is_constant() && limit.is_constant() && delta.is_constant())
    return Dim(range_length(start.value(), limit.value(), delta.value()));
  if (delta.is(0)) return std::nullopt;
  const Dim n = ceil_div(limit - start, delta);
  return n.lower_bound().value_or(-1) >= 0 ? n : max(n, Dim(0));
}

Dim range_dim(const InferContext& c) {
  if (const auto n = symbolic_length(c)) return *n;
  std::array<double, 3> values{};
  for (int i = 0; i < 3; ++i) {
    const Tensor* t = c.constant(i);
    if (t == nullptr) return data_dim("range", c);
    values[static_cast<size_t>(i)] = number_at<double>(t->view(), i);
  }
  return range_length(values[0], values[1], values[2]);
}

void infer_range(InferContext& c) {
  require_same_dtype(c, 0, 1);
  require_same_dtype(c, 0, 2);
  const Dim n = range_dim(c);
  c.set_output(0, c.dtype(0), SymShape{n});
  const auto start = c.dims(0);
  const auto delta = c.dims(2);
  if (!start || !delta || !n.is_constant() || n.value() > kMaxSymbolicElements) return;
  std::vector<Dim> values;
  for (int64_t i = 0; i < n.value(); ++i) values.push_back((*start)[0] + (*delta)[0] * Dim(i));
  c.set_output_dims(0, std::move(values));
}

template <typename T>
void fill_range(const EvalContext& c, const TensorView& to) {
  const T start = number_at<T>(c.input(0), 0);
  const T delta = number_at<T>(c.input(2), 2);
  Sink<T> y(to);
  for (int64_t i = 0; i < to.num_elements(); ++i) y[i] = wrapping_add(start, wrapping_mul(static_cast<T>(i), delta));
  y.commit();
}

void evaluate_range(EvalContext& c) {
  const DType dtype = c.input(0).dtype;
  const auto length = [&]<typename T>(T) {
    return range_length(number_at<T>(c.input(0), 0), number_at<T>(c.input(1), 1), number_at<T>(c.input(2), 2));
  };
  if (is_floating(dtype)) return fill_range<double>(c, c.allocate(0, dtype, Shape{length(double{})}));
  fill_range<int64_t>(c, c.allocate(0, dtype, Shape{length(int64_t{})}));
}

// --- ConstantOfShape
// --------------------------------------------------------------------------------------------------

Tensor fill_value(const AttributeMap& attrs) {
  Tensor value = attrs.get_tensor("value");
  if (!value.defined()) return Tensor::scalar(DType::kFloat32, 0.0F);
  check(value.num_elements() == 1, ErrorCode::kInvalidModel, "attribute 'value' must have one element, not {}",
        to_string(value.shape()));
  return value;
}

void infer_constant_of_shape(InferContext& c) {
  require_rank(c, 0, 1);
  const Tensor value = fill_value(c.attrs());
  const auto dims = c.dims(0);
  if (dims) {
    for (const Dim& d : *dims)
      check(!d.is_constant() || d.value() >= 0, ErrorCode::kInvalidArgument, "a dimension of {} is negative",
            to_string(SymShape(*dims)));
    c.set_output(0, value.dtype(), SymShape(*dims));
    const Dim n = num_elements(*dims);
    const bool followed = value.dtype() == DType::kInt64 || value.dtype() == DType::kInt32;
    if (followed && n.is_constant() && n.value() <= kMaxSymbolicElements)
      c.set_output_dims(0, std::vector<Dim>(static_cast<size_t>(n.value()), Dim(ints_of(value.view())[0])));
    return;
  }
  const auto rank = length_of(c, 0);
  if (!rank) return c.set_output(0, value.dtype(), std::nullopt);
  check(*rank <= kMaxRank, ErrorCode::kUnsupported, "tensors of more than {} dimensions are not supported", kMaxRank);
  SymShape shape;
  for (int64_t i = 0; i < *rank; ++i) shape.push_back(data_dim("dim" + std::to_string(i), c));
  c.set_output(0, value.dtype(), std::move(shape));
}

void evaluate_constant_of_shape(EvalContext& c) {
  const Tensor value = fill_value(c.attrs());
  const TensorView y = c.allocate(0, value.dtype(), Shape(ints_of(c.input(0))));
  fill_elements(size_of(y.dtype), value.data(), y.data, y.num_elements());
}

// --- EyeLike, Trilu
// ---------------------------------------------------------------------------------------------------

void infer_eye_like(InferContext& c) {
  require_rank(c, 0, 2);
  const DType dtype = dtype_attribute(c.attrs(), "dtype", c.dtype(0));
  c.set_output(0, dtype, c.has_shape(0) ? std::optional(c.shape(0)) : std::nullopt);
}

void evaluate_eye_like(EvalContext& c) {
  const TensorView y = c.output(0);
  const int64_t k = c.attrs().get_int("k", 0);
  std::vector<float> values(static_cast<size_t>(y.num_elements()), 0.0F);
  for (int64_t i = 0; i < y.shape[0]; ++i)
    if (k < y.shape[1] - i && k >= -i) values[static_cast<size_t>(i * y.shape[1] + i + k)] = 1;
  store_elements<float>(values.data(), y);
}

void infer_trilu(InferContext& c) {
  require_min_rank(c, 0, 2);
  infer_like(c);
}

void evaluate_trilu(EvalContext& c) {
  const TensorView& x = c.input(0);
  const TensorView y = c.output(0);
  copy_bytes(x, y);
  const bool upper = c.attrs().get_int("upper", 1) != 0;
  const int64_t rows = x.shape[x.shape.rank() - 2];
  const int64_t columns = x.shape.back();
  // Beyond the matrix all diagonals are alike.
  const int64_t k = c.has_input(1) ? std::clamp(number_at<int64_t>(c.input(1), 1), -rows - 1, columns + 1) : 0;
  const size_t width = size_of(x.dtype);
  const int64_t num_rows = columns == 0 ? 0 : x.num_elements() / columns;
  for (int64_t r = 0; r < num_rows; ++r) {
    const int64_t diagonal = std::clamp(r % rows + k + (upper ? 0 : 1), int64_t{0}, columns);
    const int64_t begin = r * columns + (upper ? 0 : diagonal);
    const int64_t count = upper ? diagonal : columns - diagonal;
    std::memset(element_at(y, begin), 0, static_cast<size_t>(count) * width);
  }
}

// --- OneHot
// -----------------------------------------------------------------------------------------------------------

int one_hot_axis(const AttributeMap& attrs, int rank) {
  return axis_of(attrs, "axis", -1, rank + 1);
}

void infer_one_hot(InferContext& c) {
  if (!c.has_shape(0)) return c.set_output(0, c.dtype(2), std::nullopt);
  SymShape shape = c.shape(0);
  const int axis = one_hot_axis(c.attrs(), c.rank(0));
  Dim depth = data_dim("one_hot", c);
  if (const auto dims = c.dims(1); dims && dims->size() == 1) {
    depth = (*dims)[0];
  } else if (const Tensor* t = c.constant(1)) {
    depth = number_at<int64_t>(t->view(), 1);
  }
  check(!depth.is_constant() || depth.value() >= 0, ErrorCode::kInvalidModel, "depth {} is negative", to_string(depth));
  shape.insert(shape.begin() + axis, depth);
  c.set_output(0, c.dtype(2), std::move(shape));
}

void evaluate_one_hot(EvalContext& c) {
  const Source<double> indices(c.input(0));
  const TensorView& values = c.input(2);
  check(values.num_elements() == 2, ErrorCode::kInvalidModel, "input 2 must be the two values off and on");
  const auto depth = number_at<int64_t>(c.input(1), 1);
  const Shape& from = c.input(0).shape;
  const int axis = one_hot_axis(c.attrs(), from.rank());
  Shape shape;
  for (int i = 0; i <= from.rank(); ++i) shape.push_back(i == axis ? depth : from[i < axis ? i : i - 1]);
  const TensorView y = c.allocate(0, values.dtype, shape);
  const size_t width = size_of(y.dtype);
  fill_elements(width, values.data, y.data, y.num_elements());
  const int64_t inner = from.product(axis, from.rank());
  for (int64_t i = 0; i < indices.size(); ++i) {
    double index = std::trunc(indices[i]);
    if (index < 0) index += static_cast<double>(depth);
    if (!(index >= 0 && index < static_cast<double>(depth))) continue;
    const int64_t to = (i / inner * depth + static_cast<int64_t>(index)) * inner + i % inner;
    std::memcpy(element_at(y, to), element_at(values, 1), width);
  }
}

const std::array kRows{
    OpDescriptor{"Range", 3, 3, 1, 1, infer_range, evaluate_range},
    OpDescriptor{"ConstantOfShape", 1, 1, 1, 1, infer_constant_of_shape, evaluate_constant_of_shape},
    OpDescriptor{"EyeLike", 1, 1, 1, 1, infer_eye_like, evaluate_eye_like},
    OpDescriptor{"Trilu", 1, 2, 1, 1, infer_trilu, evaluate_trilu},
    OpDescriptor{"OneHot", 3, 3, 1, 1, infer_one_hot, evaluate_one_hot},
};

}  // namespace

std::span<const OpDescriptor> generator_ops() {
  return kRows;
}

}  // namespace burnish
