#include "ops/softmax.h"

#include <array>
#include <cmath>
#include <limits>

#include "ops/encoding.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/numeric.h"

namespace burnish {
namespace {

void infer_along_axis(InferContext& c) {
  require_real(c, 0);
  if (c.has_shape(0) && c.rank(0) > 0) axis_of(c.attrs(), "axis", -1, c.rank(0));
  infer_like(c);
}

void infer_softmax(InferContext& c) {
  const DType y = infer_encoded_like(c);
  if (c.has_shape(0) && c.rank(0) > 0) axis_of(c.attrs(), "axis", -1, c.rank(0));
  c.set_output(0, y, c.has_shape(0) ? std::optional(c.shape(0)) : std::nullopt);
}

// Calls f(x, y, length, stride) for every lane of the axis; a scalar is one lane of one element.
template <typename F>
void for_each_lane(const EvalContext& c, F&& f) {
  const Shape shape = c.input(0).shape.rank() > 0 ? c.input(0).shape : Shape{1};
  if (shape.num_elements() == 0) return;
  const Lanes lanes(shape, axis_of(c.attrs(), "axis", -1, shape.rank()));
  with_float(c.input(0).dtype, [&]<typename T>(T) {
    const Source<T> x(c.input(0));
    Sink<T> y(c.output(0));
    lanes.for_each([&](int64_t first) { f(x.data() + first, y.data() + first, lanes.length, lanes.inner); });
    y.commit();
  });
}

template <typename T>
T largest_of(const T* x, int64_t n, int64_t stride) {
  T largest = -std::numeric_limits<T>::infinity();
  for (int64_t i = 0; i < n; ++i) largest = x[i * stride] > largest ? x[i * stride] : largest;
  return largest;
}

void evaluate_plain_softmax(EvalContext& c) {
  for_each_lane(c, []<typename T>(const T* x, T* y, int64_t n, int64_t stride) {
    const T largest = largest_of(x, n, stride);
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += y[i * stride] = std::exp(x[i * stride] - largest);
    const T scale = static_cast<T>(1 / sum);
    for (int64_t i = 0; i < n; ++i) y[i * stride] *= scale;
  });
}

void evaluate_softmax(EvalContext& c) {
  evaluate_decoded_like(c, evaluate_plain_softmax);
}

void evaluate_log_softmax(EvalContext& c) {
  for_each_lane(c, []<typename T>(const T* x, T* y, int64_t n, int64_t stride) {
    const T largest = largest_of(x, n, stride);
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += std::exp(x[i * stride] - largest);
    const T shift = static_cast<T>(std::log(sum));
    for (int64_t i = 0; i < n; ++i) y[i * stride] = x[i * stride] - largest - shift;
  });
}

void infer_lp_normalization(InferContext& c) {
  const int64_t p = c.attrs().get_int("p", 2);
  check(p == 1 || p == 2, ErrorCode::kInvalidModel, "attribute p = {} is neither 1 nor 2", p);
  infer_along_axis(c);
}

void evaluate_lp_normalization(EvalContext& c) {
  const bool squares = c.attrs().get_int("p", 2) == 2;
  for_each_lane(c, [squares]<typename T>(const T* x, T* y, int64_t n, int64_t stride) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      const double v = x[i * stride];
      sum += squares ? v * v : std::fabs(v);
    }
    const double norm = squares ? std::sqrt(sum) : sum;
    // A lane of zeros stays one.
    for (int64_t i = 0; i < n; ++i) y[i * stride] = norm == 0 ? T{0} : static_cast<T>(x[i * stride] / norm);
  });
}

const std::array kRows{
    OpDescriptor{"Softmax", 1, 1, 1, 1, infer_softmax, evaluate_softmax},
    OpDescriptor{"LogSoftmax", 1, 1, 1, 1, infer_along_axis, evaluate_log_softmax},
    OpDescriptor{"LpNormalization", 1, 1, 1, 1, infer_lp_normalization, evaluate_lp_normalization},
};

}  // namespace

std::span<const OpDescriptor> softmax_ops() {
  return kRows;
}

}  // namespace burnish
