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
BURNISH_INLINE bool clamp_bounds(const ActivationSpec& e, float& low, float& high) {
  low = e.activation == kActRelu ? 0.0F : -__builtin_inff();
  high = __builtin_inff();
  if (e.activation == kActClip) {
    low = e.alpha;
    high = e.beta;
  }
  return e.activation <= kActClip;
}

/// Elements that an activation runs over: rows × columns, a residual added behind it where there is one.
struct ActivatedRows {
  float* c;
  int64_t c_row;
  const float* residual;  // or null
  int64_t residual_row;
  int64_t rows, columns;
};

/// c = f(c) (+ residual). The loops are inside, so that f's constants stay in registers.
template <typename F>
BURNISH_INLINE void map_rows(const ActivatedRows& a, F f) {
  const int64_t whole = a.columns / kLanes * kLanes;
  const Mask mask = first(a.columns - whole);
  const float* residual = a.residual;
  float* c = a.c;
  for (int64_t r = 0; r < a.rows; ++r, c += a.c_row) {
    for (int64_t i = 0; i < whole; i += kLanes) {
      const Vec v = f(load(c + i));
      store(c + i, residual != nullptr ? add(v, load(residual + i)) : v);
    }
    if (whole < a.columns) {
      const Vec v = f(load(c + whole, mask));
      store(c + whole, residual != nullptr ? add(v, load(residual + whole, mask)) : v, mask);
    }
    if (residual != nullptr) residual += a.residual_row;
  }
}

/// Activation, then the residual where it stands behind it, over elements that hold product, bias and a residual that
/// stands before.
BURNISH_INLINE void activate_rows(const ActivatedRows& a, const ActivationSpec& e) {
  const float alpha = e.alpha;
  const float beta = e.beta;
  switch (e.activation) {
    case kActLeakyRelu:
      return map_rows(a, [=](Vec x) { return leaky_relu(x, alpha); });
    case kActSigmoid:
      return map_rows(a, [](Vec x) { return sigmoid(x); });
    case kActTanh:
      return map_rows(a, [](Vec x) { return tanh(x); });
    case kActSilu:
      return map_rows(a, [](Vec x) { return silu(x); });
    case kActGelu:
      return map_rows(a, [](Vec x) { return gelu(x); });
    case kActGeluTanh:
      return map_rows(a, [](Vec x) { return gelu_tanh(x); });
    case kActHardSwish:
      return map_rows(a, [](Vec x) { return hard_swish(x); });
    case kActHardSigmoid:
      return map_rows(a, [=](Vec x) { return hard_sigmoid(x, alpha, beta); });
    default: {
      float low = 0;
      float high = 0;
      clamp_bounds(e, low, high);
      return map_rows(a, [=](Vec x) { return clamp(x, low, high); });
    }
  }
}

}  // namespace burnish::BURNISH_SIMD
