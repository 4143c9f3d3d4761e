#include <cmath>

#include "ops/elements.h"
#include "ops/encoding.h"
#include "ops/infer.h"
#include "ops/normalization.h"
#include "ops/walk.h"

namespace burnish {
namespace {

/// Scale and bias must broadcast to X without growing it.
void require_broadcast_to_first(const InferContext& c, int i) {
  if (!c.has_shape(i) || !c.has_shape(0)) return;
  check(c.rank(i) <= c.rank(0), ErrorCode::kInvalidModel, "{} does not broadcast to {}", to_string(c.shape(i)),
        to_string(c.shape(0)));
  for (int d = 0; d < c.rank(i); ++d) {
    const Dim& dim = c.shape(i)[static_cast<size_t>(d)];
    if (!dim.is(1)) require_equal(dim, c.shape(0)[static_cast<size_t>(c.rank(0) - c.rank(i) + d)], "scale against X");
  }
}

/// y = y·scale + bias, both broadcast; bias may be undefined.
template <typename T>
void scale_and_shift(const Shape& shape, const Source<T>& scale, const Source<T>& bias, T* y) {
  std::vector<std::vector<int64_t>> strides{broadcast_strides(shape, scale.shape())};
  if (bias.defined()) strides.push_back(broadcast_strides(shape, bias.shape()));
  Walk walk(shape, std::move(strides));
  const int64_t n = shape.num_elements();
  for (int64_t i = 0; i < n; ++i, walk.next())
    y[i] = y[i] * scale[walk.offset(0)] + (bias.defined() ? bias[walk.offset(1)] : T{});
}

DType stash_type(const AttributeMap& attrs) {
  // ONNX's numbers of element types: FLOAT and DOUBLE, BFLOAT16.
  switch (attrs.get_int("stash_type", 1)) {
    case 11:
      return DType::kFloat64;
    case 16:
      return DType::kBFloat16;
    default:
      return DType::kFloat32;
  }
}

template <typename T>
void run_layer_norm(EvalContext& c) {
  const Source<T> x(c.input(0)), scale(c.input(1));
  const Source<T> bias = c.has_input(2) ? Source<T>(c.input(2)) : Source<T>();
  Sink<T> y(c.output(0));
  const int axis = axis_of(c.attrs(), "axis", -1, x.shape().rank());
  const int64_t rows = x.shape().product(0, axis), columns = x.shape().product(axis, x.shape().rank());
  const double epsilon = c.attrs().get_float("epsilon", 1e-5F);
  std::vector<double> means(static_cast<size_t>(rows)), inverses(static_cast<size_t>(rows));
  for (int64_t r = 0; r < rows; ++r) {
    const T* in = x.data() + r * columns;
    const Moments m = moments_of(in, columns);
    const double inverse = 1 / std::sqrt(m.variance + epsilon);
    for (int64_t i = 0; i < columns; ++i)
      y[r * columns + i] = static_cast<T>((static_cast<double>(in[i]) - m.mean) * inverse);
    means[static_cast<size_t>(r)] = m.mean;
    inverses[static_cast<size_t>(r)] = inverse;
  }
  scale_and_shift(x.shape(), scale, bias, y.data());
  y.commit();
  if (c.wants_output(1)) store_elements<double>(means.data(), c.output(1));
  if (c.wants_output(2)) store_elements<double>(inverses.data(), c.output(2));
}

template <typename T>
void run_rms_norm(EvalContext& c) {
  const Source<T> x(c.input(0)), scale(c.input(1));
  Sink<T> y(c.output(0));
  const int axis = axis_of(c.attrs(), "axis", -1, x.shape().rank());
  const int64_t rows = x.shape().product(0, axis), columns = x.shape().product(axis, x.shape().rank());
  const double epsilon = c.attrs().get_float("epsilon", 1e-5F);
  for (int64_t r = 0; r < rows; ++r) {
    const T* in = x.data() + r * columns;
    double squares = 0;
    for (int64_t i = 0; i < columns; ++i) squares += static_cast<double>(in[i]) * static_cast<double>(in[i]);
    const double inverse = 1 / std::sqrt(squares / static_cast<double>(columns) + epsilon);
    for (int64_t i = 0; i < columns; ++i) y[r * columns + i] = static_cast<T>(static_cast<double>(in[i]) * inverse);
  }
  scale_and_shift(x.shape(), scale, Source<T>(), y.data());
  y.commit();
}

}  // namespace

void infer_layer_norm(InferContext& c) {
  const DType y = infer_encoded_like(c);
  for (int i = 1; i < 3; ++i) require_real(c, i);
  const DType stash = stash_type(c.attrs());
  check(y == c.dtype(0) || c.num_outputs() == 1, ErrorCode::kUnsupported,
        "mean and deviation exist without encodings only");
  c.set_output(0, y, c.has_shape(0) ? std::optional(c.shape(0)) : std::nullopt);
  if (!c.has_shape(0)) {
    c.set_output(1, stash, std::nullopt);
    return c.set_output(2, stash, std::nullopt);
  }
  require_broadcast_to_first(c, 1);
  require_broadcast_to_first(c, 2);
  SymShape reduced = c.shape(0);
  for (auto i = static_cast<size_t>(axis_of(c.attrs(), "axis", -1, c.rank(0))); i < reduced.size(); ++i) reduced[i] = 1;
  c.set_output(1, stash, reduced);
  c.set_output(2, stash, reduced);
}

void evaluate_layer_norm(EvalContext& c) {
  evaluate_decoded_like(c, [](EvalContext& inner) {
    with_real(inner.input(0).dtype, [&](auto tag) { run_layer_norm<decltype(tag)>(inner); });
  });
}

void infer_rms_norm(InferContext& c) {
  require_real(c, 0);
  require_real(c, 1);
  if (c.has_shape(0)) axis_of(c.attrs(), "axis", -1, c.rank(0));
  require_broadcast_to_first(c, 1);
  c.set_output(0, c.dtype(1), c.has_shape(0) ? std::optional(c.shape(0)) : std::nullopt);
}

void evaluate_rms_norm(EvalContext& c) {
  with_real(c.input(0).dtype, [&](auto tag) { run_rms_norm<decltype(tag)>(c); });
}

}  // namespace burnish
