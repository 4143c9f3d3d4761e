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

#if BURNISH_SIMD_avx512
/// 1/(1 + e⁻ˣ) within 2e-4 relative, enough where the result is rounded to eight bits: 2ᵗ is a cubic of t's fraction,
/// scaled by its floor.
BURNISH_INLINE Vec coarse_sigmoid(Vec x) {
  static const float kSeries[] = {0.99992522F, 0.69583352F, 0.22606718F, 0.07802452F};
  const Vec t = mul(x, set1(-1.442695041F));
  const Vec fraction = _mm512_reduce_ps(t, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  return _mm512_rcp14_ps(add(set1(1), _mm512_scalef_ps(polynomial(fraction, kSeries), t)));
}
/// The normal distribution's logit is x·P(x²), fitted on |x| ≤ 5; within 2e-4 absolute, 2e-3 relative.
BURNISH_INLINE Vec coarse_gelu(Vec x) {
  static const float kP[] = {1.59260732F, 7.58280684e-2F, -9.86736766e-4F, 9.03317035e-6F};
  const Vec near = clamp(x, -5.0F, 5.0F);
  return mul(x, coarse_sigmoid(mul(near, polynomial(mul(near, near), kP))));
}
BURNISH_INLINE Vec coarse_gelu_tanh(Vec x) {  // (1 + tanh u)/2 is the sigmoid of 2u
  const Vec near = clamp(x, -10.0F, 10.0F);
  return mul(x, coarse_sigmoid(mul(near, fma(mul(near, near), set1(0.0713548163F), set1(1.595769122F)))));
}
#else
BURNISH_INLINE Vec coarse_sigmoid(Vec x) {
  return sigmoid(x);
}
BURNISH_INLINE Vec coarse_gelu(Vec x) {
  return gelu(x);
}
BURNISH_INLINE Vec coarse_gelu_tanh(Vec x) {
  return gelu_tanh(x);
}
#endif

/// visit(f) with the activation as a function of vectors. Coarse ones suffice where results keep eight bits.
template <bool kCoarse, typename Visit>
BURNISH_INLINE void with_activation(const ActivationSpec& e, Visit visit) {
  const float alpha = e.alpha;
  const float beta = e.beta;
  switch (e.activation) {
    case kActLeakyRelu:
      return visit([=](Vec x) { return leaky_relu(x, alpha); });
    case kActSigmoid:
      return visit([](Vec x) { return kCoarse ? coarse_sigmoid(x) : sigmoid(x); });
    case kActTanh:
      return visit([](Vec x) { return tanh(x); });
    case kActSilu:
      return visit([](Vec x) { return kCoarse ? mul(x, coarse_sigmoid(x)) : silu(x); });
    case kActGelu:
      return visit([](Vec x) { return kCoarse ? coarse_gelu(x) : gelu(x); });
    case kActGeluTanh:
      return visit([](Vec x) { return kCoarse ? coarse_gelu_tanh(x) : gelu_tanh(x); });
    case kActHardSwish:
      return visit([](Vec x) { return hard_swish(x); });
    case kActHardSigmoid:
      return visit([=](Vec x) { return hard_sigmoid(x, alpha, beta); });
    default: {
      float low = 0;
      float high = 0;
      clamp_bounds(e, low, high);
      return visit([=](Vec x) { return clamp(x, low, high); });
    }
  }
}

/// Activation, then the residual where it stands behind it, over elements that hold product, bias and a residual that
/// stands before.
BURNISH_INLINE void activate_rows(const ActivatedRows& a, const ActivationSpec& e) {
  with_activation<false>(e, [&](auto f) { map_rows(a, f); });
}

}  // namespace burnish::BURNISH_SIMD
