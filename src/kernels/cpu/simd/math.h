#pragma once
// Functions of vectors that only elementwise operators need. For files in this folder only.
#include "kernels/cpu/simd/vec.h"

namespace burnish::BURNISH_SIMD {

#if BURNISH_SIMD_avx512
BURNISH_INLINE Mask is_nan(Vec a) {
  return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
}
BURNISH_INLINE Vec floor(Vec a) {
  return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
BURNISH_INLINE Vec ceil(Vec a) {
  return _mm512_roundscale_ps(a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
}
BURNISH_INLINE Vec flip_sign(Vec a) {
  return _mm512_xor_ps(a, set1(-0.0F));
}
/// x = m·2ᵉ with m in [√½, √2), for normal x.
BURNISH_INLINE Vec split_exponent(Vec x, Vec* exponent) {
  const __m512i shifted = _mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x3f800000 - 0x3f3504f3));
  *exponent = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_srli_epi32(shifted, 23), _mm512_set1_epi32(127)));
  const __m512i fraction = _mm512_and_si512(shifted, _mm512_set1_epi32(0x7fffff));
  return _mm512_castsi512_ps(_mm512_add_epi32(fraction, _mm512_set1_epi32(0x3f3504f3)));
}
#else
BURNISH_INLINE Mask is_nan(Vec a) {
  return _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}
BURNISH_INLINE Vec floor(Vec a) {
  return _mm256_floor_ps(a);
}
BURNISH_INLINE Vec ceil(Vec a) {
  return _mm256_ceil_ps(a);
}
BURNISH_INLINE Vec flip_sign(Vec a) {
  return _mm256_xor_ps(a, set1(-0.0F));
}
BURNISH_INLINE Vec split_exponent(Vec x, Vec* exponent) {
  const __m256i shifted = _mm256_add_epi32(_mm256_castps_si256(x), _mm256_set1_epi32(0x3f800000 - 0x3f3504f3));
  *exponent = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_srli_epi32(shifted, 23), _mm256_set1_epi32(127)));
  const __m256i fraction = _mm256_and_si256(shifted, _mm256_set1_epi32(0x7fffff));
  return _mm256_castsi256_ps(_mm256_add_epi32(fraction, _mm256_set1_epi32(0x3f3504f3)));
}
#endif

/// Natural logarithm within 2 ulp: ln m = 2·artanh((m − 1)/(m + 1)) by its series, |m − 1| small.
BURNISH_INLINE Vec log(Vec x) {
  static const float kSeries[] = {2.0F, 2 / 3.0F, 2 / 5.0F, 2 / 7.0F, 2 / 9.0F};
  const Mask tiny = less(x, set1(1.17549435e-38F));  // subnormal: scaled up first
  Vec e;
  const Vec m = split_exponent(select(tiny, mul(x, set1(8388608.0F)), x), &e);
  e = select(tiny, sub(e, set1(23)), e);
  const Vec f = sub(m, set1(1));
  const Vec s = div(f, add(f, set1(2)));
  const Vec series = mul(s, polynomial(mul(s, s), kSeries));
  Vec r = fma(e, set1(0.693145752F), fma(e, set1(1.42860677e-6F), series));
  const float infinity = __builtin_inff();
  r = select(less(x, set1(infinity)), r, x);              // infinity and NaN stay
  r = select(less(x, set1(1e-45F)), set1(-infinity), r);  // zero
  return select(less(x, zero()), set1(__builtin_nanf("")), r);
}

/// NumPy's minimum and maximum: NaN where either is.
BURNISH_INLINE Vec min_or_nan(Vec a, Vec b) {
  return select(is_nan(a), a, min(a, b));
}
BURNISH_INLINE Vec max_or_nan(Vec a, Vec b) {
  return select(is_nan(a), a, max(a, b));
}

}  // namespace burnish::BURNISH_SIMD
