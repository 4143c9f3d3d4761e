// Attention whose products take pairs of bfloat16; sums and the softmax are floats.
#ifdef __AVX512BF16__
#include "kernels/cpu/simd/attention_loops.h"

namespace burnish::BURNISH_SIMD {
namespace {

BURNISH_INLINE __m512i narrow(Vec v) {
  return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(v));
}
BURNISH_INLINE __m512i pair(__m512i first, __m512i second) {
  return _mm512_or_si512(first, _mm512_slli_epi32(second, 16));
}

struct Pairs {
  static constexpr int kPerElement = 2;
  static constexpr bool kScalesScores = true;  // a scaled query would be rounded
  BURNISH_INLINE Vec multiply_add(Vec a, Vec b, Vec sum) { return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b); }
  BURNISH_INLINE Vec element_of(const Vec (&e)[2]) { return _mm512_castsi512_ps(pair(narrow(e[0]), narrow(e[1]))); }
};

void pair_rows(const uint16_t* v, int64_t v_row, int64_t keys, int64_t v_size, float* pairs) {
  for (int64_t t = 0; t < keys; t += 2, v += 2 * v_row, pairs += v_size) {
    for (int64_t e = 0; e < v_size; e += kLanes) {
      const Mask mask = first(least(kLanes, v_size - e));
      const Mask second = t + 1 < keys ? mask : Mask{0};
      const __m512i a = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, v + e));
      const __m512i b = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(second, v + v_row + e));
      _mm512_mask_storeu_epi32(pairs + e, mask, pair(a, b));
    }
  }
}

}  // namespace

extern const AttentionKernels kAttention = {kMaxQueries, scratch_floats, run_any<Pairs>, pair_rows};

}  // namespace burnish::BURNISH_SIMD
#endif
