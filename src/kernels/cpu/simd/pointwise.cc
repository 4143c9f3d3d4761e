#include "kernels/cpu/simd/pointwise.h"

#include "kernels/cpu/simd/math.h"

namespace burnish::BURNISH_SIMD {
namespace {

template <typename F>
void map1(const float* a, float* out, int64_t n, F f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, f(load(a + i)));
  if (i < n) store(out + i, f(load(a + i, first(n - i))), first(n - i));
}

template <typename F>
void map2(PointwiseValue a, PointwiseValue b, float* out, int64_t n, F f) {
  if (a.uniform && b.uniform) n = 1;
  if (b.uniform) {
    const Vec vb = set1(*b.data);
    return map1(a.data, out, n, [vb, f](Vec va) { return f(va, vb); });
  }
  if (a.uniform) {
    const Vec va = set1(*a.data);
    return map1(b.data, out, n, [va, f](Vec vb) { return f(va, vb); });
  }
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, f(load(a.data + i), load(b.data + i)));
  const Mask rest = first(n - i);
  if (i < n) store(out + i, f(load(a.data + i, rest), load(b.data + i, rest)), rest);
}

/// Small whole and half powers by multiplication, the rest by the C library.
void power(PointwiseValue a, PointwiseValue b, float* out, int64_t n) {
  if (b.uniform) {
    const int64_t count = a.uniform ? 1 : n;
    if (*b.data == 1) return map1(a.data, out, count, [](Vec x) { return x; });
    if (*b.data == 2) return map1(a.data, out, count, [](Vec x) { return mul(x, x); });
    if (*b.data == 3) return map1(a.data, out, count, [](Vec x) { return mul(mul(x, x), x); });
    if (*b.data == 0.5F) return map1(a.data, out, count, [](Vec x) { return sqrt(add(x, zero())); });
    if (*b.data == -1) return map1(a.data, out, count, [](Vec x) { return div(set1(1), x); });
  }
  const int64_t count = a.uniform && b.uniform ? 1 : n;
  const int64_t step_a = a.uniform ? 0 : 1, step_b = b.uniform ? 0 : 1;
  for (int64_t i = 0; i < count; ++i) out[i] = __builtin_powf(a.data[i * step_a], b.data[i * step_b]);
}

void run_unary(const PointwiseOp& op, const float* a, float* out, int64_t n) {
  const float alpha = op.alpha, beta = op.beta;
  switch (op.fn) {
    case PointwiseFn::kNeg:
      return map1(a, out, n, [](Vec x) { return flip_sign(x); });
    case PointwiseFn::kAbs:
      return map1(a, out, n, [](Vec x) { return abs(x); });
    case PointwiseFn::kSqrt:
      return map1(a, out, n, [](Vec x) { return sqrt(x); });
    case PointwiseFn::kExp:
      return map1(a, out, n, [](Vec x) { return exp(x); });
    case PointwiseFn::kLog:
      return map1(a, out, n, [](Vec x) { return log(x); });
    case PointwiseFn::kReciprocal:
      return map1(a, out, n, [](Vec x) { return div(set1(1), x); });
    case PointwiseFn::kFloor:
      return map1(a, out, n, [](Vec x) { return floor(x); });
    case PointwiseFn::kCeil:
      return map1(a, out, n, [](Vec x) { return ceil(x); });
    case PointwiseFn::kRound:
      return map1(a, out, n, [](Vec x) { return round_even(x); });
    case PointwiseFn::kErf:
      return map1(a, out, n, [](Vec x) { return erf(x); });
    case PointwiseFn::kRelu:
      return map1(a, out, n, [](Vec x) { return max(zero(), x); });
    case PointwiseFn::kClip:
      return map1(a, out, n, [=](Vec x) { return clamp(x, alpha, beta); });
    case PointwiseFn::kLeakyRelu:
      return map1(a, out, n, [=](Vec x) { return leaky_relu(x, alpha); });
    case PointwiseFn::kSigmoid:
      return map1(a, out, n, [](Vec x) { return sigmoid(x); });
    case PointwiseFn::kTanh:
      return map1(a, out, n, [](Vec x) { return tanh(x); });
    case PointwiseFn::kSilu:
      return map1(a, out, n, [](Vec x) { return silu(x); });
    case PointwiseFn::kGelu:
      return map1(a, out, n, [](Vec x) { return gelu(x); });
    case PointwiseFn::kGeluTanh:
      return map1(a, out, n, [](Vec x) { return gelu_tanh(x); });
    case PointwiseFn::kHardSwish:
      return map1(a, out, n, [](Vec x) { return hard_swish(x); });
    case PointwiseFn::kHardSigmoid:
      return map1(a, out, n, [=](Vec x) { return hard_sigmoid(x, alpha, beta); });
    default:
      return;
  }
}

void run_one(const PointwiseOp& op, const PointwiseValue* values, int64_t n) {
  const PointwiseValue a = values[op.a], b = values[op.b];
  float* out = values[op.target].data;
  switch (op.fn) {
    case PointwiseFn::kAdd:
      return map2(a, b, out, n, [](Vec x, Vec y) { return add(x, y); });
    case PointwiseFn::kMul:
      return map2(a, b, out, n, [](Vec x, Vec y) { return mul(x, y); });
    case PointwiseFn::kSub:
      return map2(a, b, out, n, [](Vec x, Vec y) { return sub(x, y); });
    case PointwiseFn::kDiv:
      return map2(a, b, out, n, [](Vec x, Vec y) { return div(x, y); });
    case PointwiseFn::kMin:
      return map2(a, b, out, n, [](Vec x, Vec y) { return min_or_nan(x, y); });
    case PointwiseFn::kMax:
      return map2(a, b, out, n, [](Vec x, Vec y) { return max_or_nan(x, y); });
    case PointwiseFn::kPow:
      return power(a, b, out, n);
    default:
      return run_unary(op, a.data, out, a.uniform ? 1 : n);
  }
}

void run(const PointwiseOp* ops, int num_ops, const PointwiseValue* values, int64_t n) {
  for (int i = 0; i < num_ops; ++i) run_one(ops[i], values, n);
}

}  // namespace

extern const PointwiseKernels kPointwise = {run};

}  // namespace burnish::BURNISH_SIMD
