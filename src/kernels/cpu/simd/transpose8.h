#pragma once
// Swaps rows and columns of eight by eight floats. For files in this folder only.
#include <immintrin.h>
#include <stdint.h>

#include "kernels/cpu/simd/vec.h"

namespace burnish::BURNISH_SIMD {

/// to[c·to_row + r] = from[r·from_row + c]
BURNISH_INLINE void transpose_8x8(const float* from, int64_t from_row, float* to, int64_t to_row) {
  __m256 r[8], t[8];
  // Halves of rows i and i + 4 meet in one register, so that shuffles within halves suffice afterwards.
  for (int i = 0; i < 4; ++i) {
    const float* a = from + i * from_row;
    const float* b = from + (i + 4) * from_row;
    r[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(a)), _mm_loadu_ps(b), 1);
    r[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(a + 4)), _mm_loadu_ps(b + 4), 1);
  }
  for (int half = 0; half < 8; half += 4) {
    t[half] = _mm256_unpacklo_ps(r[half], r[half + 1]);
    t[half + 1] = _mm256_unpackhi_ps(r[half], r[half + 1]);
    t[half + 2] = _mm256_unpacklo_ps(r[half + 2], r[half + 3]);
    t[half + 3] = _mm256_unpackhi_ps(r[half + 2], r[half + 3]);
    _mm256_storeu_ps(to + half * to_row, _mm256_shuffle_ps(t[half], t[half + 2], 0x44));
    _mm256_storeu_ps(to + (half + 1) * to_row, _mm256_shuffle_ps(t[half], t[half + 2], 0xee));
    _mm256_storeu_ps(to + (half + 2) * to_row, _mm256_shuffle_ps(t[half + 1], t[half + 3], 0x44));
    _mm256_storeu_ps(to + (half + 3) * to_row, _mm256_shuffle_ps(t[half + 1], t[half + 3], 0xee));
  }
}

}  // namespace burnish::BURNISH_SIMD
