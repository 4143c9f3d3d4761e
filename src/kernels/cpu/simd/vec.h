#pragma once
// Vectors of floats, one vocabulary for both instruction sets: sixteen lanes with AVX-512, eight with AVX2.
// For files in this folder only: everything is static inline in the namespace of the instruction set.
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define BURNISH_INLINE static inline __attribute__((always_inline))

namespace burnish::BURNISH_SIMD {

#if BURNISH_SIMD_avx512

using Vec = __m512;
using Mask = __mmask16;
constexpr int kLanes = 16;

BURNISH_INLINE Vec set1(float x) {
  return _mm512_set1_ps(x);
}
BURNISH_INLINE Vec zero() {
  return _mm512_setzero_ps();
}
BURNISH_INLINE Vec load(const float* p) {
  return _mm512_loadu_ps(p);
}
BURNISH_INLINE void store(float* p, Vec v) {
  _mm512_storeu_ps(p, v);
}
BURNISH_INLINE Vec add(Vec a, Vec b) {
  return _mm512_add_ps(a, b);
}
BURNISH_INLINE Vec sub(Vec a, Vec b) {
  return _mm512_sub_ps(a, b);
}
BURNISH_INLINE Vec mul(Vec a, Vec b) {
  return _mm512_mul_ps(a, b);
}
BURNISH_INLINE Vec div(Vec a, Vec b) {
  return _mm512_div_ps(a, b);
}
BURNISH_INLINE Vec fma(Vec a, Vec b, Vec c) {
  return _mm512_fmadd_ps(a, b, c);
}
/// c - a·b
BURNISH_INLINE Vec fnma(Vec a, Vec b, Vec c) {
  return _mm512_fnmadd_ps(a, b, c);
}
/// The second operand where either is NaN, as the instruction does: put the bound first to let NaN through.
BURNISH_INLINE Vec max(Vec a, Vec b) {
  return _mm512_max_ps(a, b);
}
BURNISH_INLINE Vec min(Vec a, Vec b) {
  return _mm512_min_ps(a, b);
}
BURNISH_INLINE Vec abs(Vec a) {
  return _mm512_abs_ps(a);
}
BURNISH_INLINE Vec sqrt(Vec a) {
  return _mm512_sqrt_ps(a);
}
BURNISH_INLINE Vec round_even(Vec a) {
  return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
BURNISH_INLINE Mask less(Vec a, Vec b) {
  return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}
/// Per lane: mask ? a : b.
BURNISH_INLINE Vec select(Mask mask, Vec a, Vec b) {
  return _mm512_mask_blend_ps(mask, b, a);
}
/// x·2ⁿ for integral n.
BURNISH_INLINE Vec scale_by_power(Vec x, Vec n) {
  return _mm512_scalef_ps(x, n);
}
BURNISH_INLINE float reduce_add(Vec a) {
  return _mm512_reduce_add_ps(a);
}
BURNISH_INLINE float reduce_max(Vec a) {
  return _mm512_reduce_max_ps(a);
}
/// The first n lanes, 0 ≤ n ≤ kLanes.
BURNISH_INLINE Mask first(int64_t n) {
  return (Mask)((1U << n) - 1U);
}
/// Lanes outside the mask read nothing and are zero.
BURNISH_INLINE Vec load(const float* p, Mask mask) {
  return _mm512_maskz_loadu_ps(mask, p);
}
BURNISH_INLINE void store(float* p, Vec v, Mask mask) {
  _mm512_mask_storeu_ps(p, mask, v);
}

#else

using Vec = __m256;
using Mask = __m256i;
constexpr int kLanes = 8;

BURNISH_INLINE Vec set1(float x) {
  return _mm256_set1_ps(x);
}
BURNISH_INLINE Vec zero() {
  return _mm256_setzero_ps();
}
BURNISH_INLINE Vec load(const float* p) {
  return _mm256_loadu_ps(p);
}
BURNISH_INLINE void store(float* p, Vec v) {
  _mm256_storeu_ps(p, v);
}
BURNISH_INLINE Vec add(Vec a, Vec b) {
  return _mm256_add_ps(a, b);
}
BURNISH_INLINE Vec sub(Vec a, Vec b) {
  return _mm256_sub_ps(a, b);
}
BURNISH_INLINE Vec mul(Vec a, Vec b) {
  return _mm256_mul_ps(a, b);
}
BURNISH_INLINE Vec div(Vec a, Vec b) {
  return _mm256_div_ps(a, b);
}
BURNISH_INLINE Vec fma(Vec a, Vec b, Vec c) {
  return _mm256_fmadd_ps(a, b, c);
}
BURNISH_INLINE Vec fnma(Vec a, Vec b, Vec c) {
  return _mm256_fnmadd_ps(a, b, c);
}
BURNISH_INLINE Vec max(Vec a, Vec b) {
  return _mm256_max_ps(a, b);
}
BURNISH_INLINE Vec min(Vec a, Vec b) {
  return _mm256_min_ps(a, b);
}
BURNISH_INLINE Vec abs(Vec a) {
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), a);
}
BURNISH_INLINE Vec sqrt(Vec a) {
  return _mm256_sqrt_ps(a);
}
BURNISH_INLINE Vec round_even(Vec a) {
  return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
BURNISH_INLINE Mask less(Vec a, Vec b) {
  return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
BURNISH_INLINE Vec select(Mask mask, Vec a, Vec b) {
  return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(mask));
}
BURNISH_INLINE Vec scale_by_power(Vec x, Vec n) {  // in two steps: 2ⁿ alone may not be representable
  const __m256i whole = _mm256_cvtps_epi32(n);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i bias = _mm256_set1_epi32(127);
  const auto power = [bias](__m256i e) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(e, bias), 23));
  };
  return mul(mul(x, power(half)), power(_mm256_sub_epi32(whole, half)));
}
BURNISH_INLINE float reduce_add(Vec a) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
BURNISH_INLINE float reduce_max(Vec a) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
BURNISH_INLINE Mask first(int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
BURNISH_INLINE Vec load(const float* p, Mask mask) {
  return _mm256_maskload_ps(p, mask);
}
BURNISH_INLINE void store(float* p, Vec v, Mask mask) {
  _mm256_maskstore_ps(p, mask, v);
}

#endif

BURNISH_INLINE Vec neg(Vec a) {
  return sub(zero(), a);
}
BURNISH_INLINE Vec clamp(Vec x, float low, float high) {
  return min(set1(high), max(set1(low), x));
}

/// c0 + x·(c1 + x·(…)), Horner's rule.
template <int N>
BURNISH_INLINE Vec polynomial(Vec x, const float (&c)[N]) {
  Vec r = set1(c[N - 1]);
  for (int i = N - 2; i >= 0; --i) r = fma(r, x, set1(c[i]));
  return r;
}

/// e^(sign·x) within 2 ulp for sign = ±1. Overflows to infinity, underflows to zero, keeps NaN.
#if BURNISH_SIMD_avx512
/// sign·x/ln 2 = n + r with n a multiple of 1/16: the fraction of n selects from a table, its floor scales, and 2ʳ
/// needs three terms of its series.
BURNISH_INLINE Vec exp_signed(Vec x, float sign) {
  const Vec table = _mm512_setr_ps(1.0F, 1.04427378F, 1.09050773F, 1.13878863F, 1.18920712F, 1.24185781F, 1.29683955F,
                                   1.35425555F, 1.41421356F, 1.47682615F, 1.54221083F, 1.61049033F, 1.68179283F,
                                   1.75625216F, 1.83400809F, 1.91520656F);
  const Vec magic = set1(786432.0F);  // 1.5·2¹⁹: adding it rounds to sixteenths
  const float bound = 89.0F + 15.0F * (sign < 0 ? 1.0F : 0.0F);
  x = min(set1(bound), max(set1(bound - 193.0F), x));
  const Vec z = fma(x, set1(sign * 1.442695041F), magic);
  const Vec n = sub(z, magic);
  Vec r = _mm512_fmsub_ps(x, set1(sign * 1.442695041F), n);
  r = fma(x, set1(sign * 1.92596303e-8F), r);
  Vec q = fma(r, set1(0.0555041087F), set1(0.240226507F));
  q = mul(r, fma(r, q, set1(0.693147181F)));
  const Vec power = _mm512_permutexvar_ps(_mm512_castps_si512(z), table);
  return _mm512_scalef_ps(fma(power, q, power), n);
}
#else
/// x = n·ln 2 + r, eʳ by its series.
BURNISH_INLINE Vec exp_signed(Vec x, float sign) {
  static const float kSeries[] = {1, 1, 0.5F, 1 / 6.0F, 1 / 24.0F, 1 / 120.0F, 1 / 720.0F, 1 / 5040.0F};
  if (sign < 0) x = sub(zero(), x);
  x = min(set1(128.5F * 0.693147181F), max(set1(-104.0F), x));
  const Vec n = round_even(mul(x, set1(1.442695041F)));
  Vec r = fnma(n, set1(0.693145752F), x);  // ln 2 in two parts, the first exact in products with n
  r = fnma(n, set1(1.42860677e-6F), r);
  return scale_by_power(polynomial(r, kSeries), n);
}
#endif
BURNISH_INLINE Vec exp(Vec x) {
  return exp_signed(x, 1);
}

/// x·P(x²)/Q(x²), a minimax fit on |x| ≤ 9, beyond which tanh is ±1 in single precision. Within 4e-7 relative.
BURNISH_INLINE Vec tanh(Vec x) {
  static const float kP[] = {
      1.0F, 1.368083060e-01F, 3.869475797e-03F, 2.803065399e-05F, 3.064092979e-08F, -1.224506174e-11F};
  static const float kQ[] = {1.0F, 4.701416194e-01F, 2.725004032e-02F, 3.940656316e-04F, 1.288988869e-06F};
  x = clamp(x, -9.0F, 9.0F);
  const Vec t = mul(x, x);
  return div(mul(x, polynomial(t, kP)), polynomial(t, kQ));
}

/// x·P(x²)/Q(x²), a minimax fit on |x| ≤ 3.92, beyond which erf is ±1 in single precision. Within 4e-7 relative.
BURNISH_INLINE Vec erf(Vec x) {
  static const float kP[] = {1.128379107e+00F, 1.903968751e-01F, 5.274727568e-02F,
                             3.765158821e-03F, 2.848648583e-04F, 2.050061767e-06F};
  static const float kQ[] = {
      1.0F, 5.020675659e-01F, 1.141049862e-01F, 1.496830210e-02F, 1.162410481e-03F, 3.809051850e-05F};
  x = clamp(x, -3.92F, 3.92F);
  const Vec t = mul(x, x);
  return div(mul(x, polynomial(t, kP)), polynomial(t, kQ));
}

BURNISH_INLINE Vec sigmoid(Vec x) {
  return div(set1(1), add(set1(1), exp_signed(x, -1)));
}
BURNISH_INLINE Vec silu(Vec x) {
  return div(x, add(set1(1), exp_signed(x, -1)));
}
BURNISH_INLINE Vec gelu(Vec x) {
  const Vec half = mul(x, set1(0.5F));
  return fma(half, erf(mul(x, set1(0.707106781F))), half);
}
BURNISH_INLINE Vec gelu_tanh(Vec x) {
  const Vec half = mul(x, set1(0.5F));
  const Vec cube = mul(mul(x, x), x);
  return fma(half, tanh(mul(set1(0.797884561F), fma(set1(0.044715F), cube, x))), half);
}
BURNISH_INLINE Vec hard_sigmoid(Vec x, float alpha, float beta) {
  return clamp(fma(x, set1(alpha), set1(beta)), 0.0F, 1.0F);
}
BURNISH_INLINE Vec hard_swish(Vec x) {
  return mul(x, hard_sigmoid(x, 1 / 6.0F, 0.5F));
}
BURNISH_INLINE Vec leaky_relu(Vec x, float alpha) {
  return select(less(x, zero()), mul(x, set1(alpha)), x);
}

}  // namespace burnish::BURNISH_SIMD
