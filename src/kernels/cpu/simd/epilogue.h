#pragma once
// Activations over vectors and over finished rows. For files in this folder only.
#include "kernels/cpu/simd/gemm.h"
#include "kernels/cpu/simd/vec.h"

namespace burnish::BURNISH_SIMD {

/// The numbers of ActivationKind (ops/activation.h); held equal by a static_assert in f32_simd.h.
enum : int {
  kActNone,
  kActRelu,
  kActClip,
  kActLeakyRelu,
  kActSigmoid,
  kActTanh,
  kActSilu,
  kActGelu,
  kActGeluTanh,
  kActHardSwish,
  kActHardSigmoid
};

/// True for activations that are a clamp to [low, high].
BURNISH_INLINE bool clamp_bounds(const F32Epilogue& e, float& low, float& high) {
  low = e.activation == kActRelu ? 0.0F : -__builtin_inff();
  high = __builtin_inff();
  if (e.activation == kActClip) {
    low = e.alpha;
    high = e.beta;
  }
  return e.activation <= kActClip;
}

/// c[i] = f(c[i]) (+ residual[i]) for i in [0, n).
template <typename F>
BURNISH_INLINE void map_row(float* c, const float* residual, int64_t n, F f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vec v = f(load(c + i));
    store(c + i, residual != nullptr ? add(v, load(residual + i)) : v);
  }
  if (i < n) {
    const Mask mask = first(n - i);
    const Vec v = f(load(c + i, mask));
    store(c + i, residual != nullptr ? add(v, load(residual + i, mask)) : v, mask);
  }
}

/// Activation, then the residual where it stands behind it, over n elements that hold product, bias and a residual
/// that stands before.
BURNISH_INLINE void activate_row(float* c, const float* residual, int64_t n, const F32Epilogue& e) {
  const float alpha = e.alpha;
  const float beta = e.beta;
  switch (e.activation) {
    case kActLeakyRelu:
      return map_row(c, residual, n, [=](Vec x) { return leaky_relu(x, alpha); });
    case kActSigmoid:
      return map_row(c, residual, n, [](Vec x) { return sigmoid(x); });
    case kActTanh:
      return map_row(c, residual, n, [](Vec x) { return tanh(x); });
    case kActSilu:
      return map_row(c, residual, n, [](Vec x) { return silu(x); });
    case kActGelu:
      return map_row(c, residual, n, [](Vec x) { return gelu(x); });
    case kActGeluTanh:
      return map_row(c, residual, n, [](Vec x) { return gelu_tanh(x); });
    case kActHardSwish:
      return map_row(c, residual, n, [](Vec x) { return hard_swish(x); });
    case kActHardSigmoid:
      return map_row(c, residual, n, [=](Vec x) { return hard_sigmoid(x, alpha, beta); });
    default: {
      float low = 0;
      float high = 0;
      clamp_bounds(e, low, high);
      return map_row(c, residual, n, [=](Vec x) { return clamp(x, low, high); });
    }
  }
}

}  // namespace burnish::BURNISH_SIMD
