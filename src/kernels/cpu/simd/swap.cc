// Whole blocks go through registers, what is left over element by element.
#include "kernels/cpu/simd/swap.h"

#include "kernels/cpu/simd/transpose8.h"

namespace burnish::BURNISH_SIMD {
namespace {

/// One step of a transpose of N registers: neighbours of `from` interleaved by elements of the unpacks' size.
template <int N, typename Low, typename High>
BURNISH_INLINE void interleave(const __m128i (&from)[N], __m128i (&to)[N], Low low, High high) {
#pragma GCC unroll 16
  for (int i = 0; i < N / 2; ++i) {
    to[2 * i] = low(from[i], from[i + N / 2]);
    to[2 * i + 1] = high(from[i], from[i + N / 2]);
  }
}

/// Interleaving the first half of the rows with the second, log₂ N times, is a transpose of N×N.
BURNISH_INLINE void swap_block(const uint8_t* from, int64_t from_column, uint8_t* to, int64_t to_row) {
  const auto low = [](__m128i a, __m128i b) { return _mm_unpacklo_epi8(a, b); };
  const auto high = [](__m128i a, __m128i b) { return _mm_unpackhi_epi8(a, b); };
  __m128i a[16], b[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) a[i] = _mm_loadu_si128((const __m128i*)(from + i * from_column));
  interleave(a, b, low, high);
  interleave(b, a, low, high);
  interleave(a, b, low, high);
  interleave(b, a, low, high);
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) _mm_storeu_si128((__m128i*)(to + i * to_row), a[i]);
}

BURNISH_INLINE void swap_block(const uint16_t* from, int64_t from_column, uint16_t* to, int64_t to_row) {
  const auto low = [](__m128i a, __m128i b) { return _mm_unpacklo_epi16(a, b); };
  const auto high = [](__m128i a, __m128i b) { return _mm_unpackhi_epi16(a, b); };
  __m128i a[8], b[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) a[i] = _mm_loadu_si128((const __m128i*)(from + i * from_column));
  interleave(a, b, low, high);
  interleave(b, a, low, high);
  interleave(a, b, low, high);
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) _mm_storeu_si128((__m128i*)(to + i * to_row), b[i]);
}

BURNISH_INLINE void swap_block(const float* from, int64_t from_column, float* to, int64_t to_row) {
  transpose_8x8(from, from_column, to, to_row);
}

template <typename T>
BURNISH_INLINE void swap_each(const T* from, int64_t from_column, T* to, int64_t to_row, int64_t rows,
                              int64_t columns) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) to[r * to_row + c] = from[c * from_column + r];
  }
}

template <typename T>
void swap(const T* from, int64_t from_column, T* to, int64_t to_row, int64_t rows, int64_t columns) {
  constexpr int64_t kEdge = sizeof(T) == 1 ? 16 : 8;
  const int64_t whole_rows = rows / kEdge * kEdge, whole_columns = columns / kEdge * kEdge;
  for (int64_t c = 0; c < whole_columns; c += kEdge) {
    for (int64_t r = 0; r < whole_rows; r += kEdge) {
      swap_block(from + c * from_column + r, from_column, to + r * to_row + c, to_row);
    }
  }
  swap_each(from + whole_columns * from_column, from_column, to + whole_columns, to_row, whole_rows,
            columns - whole_columns);
  swap_each(from + whole_rows, from_column, to + whole_rows * to_row, to_row, rows - whole_rows, columns);
}

/// Three planes to pixels of three bytes, sixteen at a time.
int64_t interleave_three(const uint8_t* from, int64_t plane, uint8_t* to, int64_t n) {
  const __m128i dense = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
  int64_t i = 0;
  for (; i + 18 <= n; i += 16, to += 48) {  // the last store writes four bytes of the pixels that follow
    const __m128i a = _mm_loadu_si128((const __m128i*)(from + i));
    const __m128i b = _mm_loadu_si128((const __m128i*)(from + plane + i));
    const __m128i c = _mm_loadu_si128((const __m128i*)(from + 2 * plane + i));
    const __m128i ab[2] = {_mm_unpacklo_epi8(a, b), _mm_unpackhi_epi8(a, b)};
    const __m128i c0[2] = {_mm_unpacklo_epi8(c, c), _mm_unpackhi_epi8(c, c)};
    for (int k = 0; k < 2; ++k) {
      const __m128i low = _mm_unpacklo_epi16(ab[k], c0[k]), high = _mm_unpackhi_epi16(ab[k], c0[k]);
      _mm_storeu_si128((__m128i*)(to + k * 24), _mm_shuffle_epi8(low, dense));
      _mm_storeu_si128((__m128i*)(to + k * 24 + 12), _mm_shuffle_epi8(high, dense));
    }
  }
  return i;
}

/// Pixels of three bytes to three planes, sixteen at a time.
int64_t separate_three(const uint8_t* from, uint8_t* to, int64_t plane, int64_t n) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16, from += 48) {
    for (int p = 0; p < 3; ++p) {  // byte 3·k + p of the three vectors belongs to pixel k
      __m128i plane_bytes = _mm_setzero_si128();
      for (int v = 0; v < 3; ++v) {
        const __m128i k3 = _mm_setr_epi8(0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45);
        const __m128i at = _mm_add_epi8(k3, _mm_set1_epi8((char)(p - 16 * v)));
        const __m128i outside = _mm_cmpgt_epi8(at, _mm_set1_epi8(15));  // below zero selects nothing already
        const __m128i bytes = _mm_loadu_si128((const __m128i*)(from + 16 * v));
        plane_bytes = _mm_or_si128(plane_bytes, _mm_shuffle_epi8(bytes, _mm_or_si128(at, outside)));
      }
      _mm_storeu_si128((__m128i*)(to + p * plane + i), plane_bytes);
    }
  }
  return i;
}

void swap_bytes(const uint8_t* from, int64_t from_column, uint8_t* to, int64_t to_row, int64_t rows, int64_t columns) {
  if (columns == 3 && to_row == 3) {
    const int64_t done = interleave_three(from, from_column, to, rows);
    return swap(from + done, from_column, to + done * to_row, to_row, rows - done, columns);
  }
  if (rows == 3 && from_column == 3) {
    const int64_t done = separate_three(from, to, to_row, columns);
    return swap(from + done * from_column, from_column, to + done, to_row, rows, columns - done);
  }
  swap(from, from_column, to, to_row, rows, columns);
}

}  // namespace

extern const SwapKernels kSwap = {swap_bytes, swap<uint16_t>, swap<float>};

}  // namespace burnish::BURNISH_SIMD
