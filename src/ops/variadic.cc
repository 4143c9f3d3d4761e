#include "ops/variadic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>

#include "ops/dim_rules.h"
#include "ops/infer.h"
#include "ops/numeric.h"

namespace burnish {
namespace {

void infer_variadic(InferContext& c) {
  for (int i = 1; i < c.num_inputs(); ++i) require_same_dtype(c, 0, i);
  c.set_output(0, c.dtype(0), broadcast_inputs(c));
  if (c.num_inputs() == 1) pass_dims(c);
}

void infer_max(InferContext& c) {
  infer_variadic(c);
  if (c.num_inputs() == 2) follow_dims(c, [](const Dim& a, const Dim& b) -> std::optional<Dim> { return max(a, b); });
}

void infer_min(InferContext& c) {
  infer_variadic(c);
  if (c.num_inputs() == 2) follow_dims(c, [](const Dim& a, const Dim& b) -> std::optional<Dim> { return min(a, b); });
}

// y = f(… f(f(x0, x1), x2) …)
template <typename T, typename F>
void fold_inputs(const EvalContext& c, Sink<T>& y, F&& f) {
  const Shape& shape = y.shape();
  for (int i = 0; i < c.num_inputs(); ++i) {
    const Source<T> x(c.input(i));
    if (i == 0) {
      broadcast_binary(shape, shape, y.data(), x.shape(), x.data(), y.data(), [](T, T b) { return b; });
    } else {
      broadcast_binary(shape, shape, y.data(), x.shape(), x.data(), y.data(), f);
    }
  }
}

template <typename F>
void fold(const EvalContext& c, F&& f) {
  with_compute(c.input(0).dtype, [&]<typename T>(T) {
    Sink<T> y(c.output(0));
    fold_inputs(c, y, f);
    y.commit();
  });
}

// NaN of either side stays.
void evaluate_max(EvalContext& c) {
  fold(c, []<typename T>(T a, T b) { return a > b || a != a ? a : b; });
}

void evaluate_min(EvalContext& c) {
  fold(c, []<typename T>(T a, T b) { return a < b || a != a ? a : b; });
}

void evaluate_sum(EvalContext& c) {
  fold(c, []<typename T>(T a, T b) { return wrapping_add(a, b); });
}

void evaluate_mean(EvalContext& c) {
  with_float(c.input(0).dtype, [&]<typename T>(T) {
    Sink<T> y(c.output(0));
    fold_inputs(c, y, [](T a, T b) { return a + b; });
    const int64_t n = y.shape().num_elements();
    for (int64_t i = 0; i < n; ++i) y[i] /= static_cast<T>(c.num_inputs());
    y.commit();
  });
}

// Follows Where(cond, x, y) over vectors of dims.
void follow_where(InferContext& c) {
  const auto condition = c.dims(0);
  const auto x = c.dims(1);
  const auto y = c.dims(2);
  if (!condition || !x || !y) return;
  const size_t n = std::max({condition->size(), x->size(), y->size()});
  if (n > kMaxSymbolicElements) return;
  for (const auto* v : {&*condition, &*x, &*y})
    if (v->size() != n && v->size() != 1) return;
  for (int i = 0; i < 3; ++i)
    if (!c.has_shape(i) || c.rank(i) > 1) return;
  std::vector<Dim> out;
  for (size_t i = 0; i < n; ++i) {
    const auto at = [i](const std::vector<Dim>& v) { return v[v.size() == 1 ? 0 : i]; };
    if (!at(*condition).is_constant()) return;
    out.push_back(at(at(*condition).is(0) ? *y : *x));
  }
  c.set_output_dims(0, std::move(out));
}

void infer_where(InferContext& c) {
  check(!c.has_input(0) || c.dtype(0) == DType::kBool, ErrorCode::kInvalidModel, "input 0 must be bool, not {}",
        name_of(c.dtype(0)));
  require_same_dtype(c, 1, 2);
  c.set_output(0, c.dtype(1), broadcast_inputs(c));
  follow_where(c);
}

// U stands for any element type of its size.
template <typename U>
void select(const TensorView& condition, const TensorView& x, const TensorView& y, const TensorView& out) {
  const std::array shapes{condition.shape, x.shape, y.shape};
  const BroadcastLoop loop(out.shape, shapes);
  const std::array steps{loop.step(0), loop.step(1), loop.step(2)};
  loop.for_each_run([&](int64_t at, const std::vector<int64_t>& offsets) {
    const auto* pc = condition.as<const uint8_t>() + offsets[0];
    const U* px = x.as<const U>() + offsets[1];
    const U* py = y.as<const U>() + offsets[2];
    U* po = out.as<U>() + at;
    for (int64_t i = 0; i < loop.run_length(); ++i) po[i] = pc[i * steps[0]] != 0 ? px[i * steps[1]] : py[i * steps[2]];
  });
}

void evaluate_where(EvalContext& c) {
  const TensorView out = c.output(0);
  switch (size_of(out.dtype)) {
    case 1:
      return select<uint8_t>(c.input(0), c.input(1), c.input(2), out);
    case 2:
      return select<uint16_t>(c.input(0), c.input(1), c.input(2), out);
    case 4:
      return select<uint32_t>(c.input(0), c.input(1), c.input(2), out);
    default:
      return select<uint64_t>(c.input(0), c.input(1), c.input(2), out);
  }
}

const std::array kRows{
    OpDescriptor{"Max", 1, -1, 1, 1, infer_max, evaluate_max, kElementwise},
    OpDescriptor{"Min", 1, -1, 1, 1, infer_min, evaluate_min, kElementwise},
    OpDescriptor{"Sum", 1, -1, 1, 1, infer_variadic, evaluate_sum, kElementwise},
    OpDescriptor{"Mean", 1, -1, 1, 1, infer_variadic, evaluate_mean, kElementwise},
    OpDescriptor{"Where", 3, 3, 1, 1, infer_where, evaluate_where, kElementwise},
};

}  // namespace

std::span<const OpDescriptor> variadic_ops() {
  return kRows;
}

}  // namespace burnish
