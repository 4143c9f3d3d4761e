// Operands of products in the order that tile.h wants them.
#include "kernels/cpu/simd/narrow.h"

namespace burnish::BURNISH_SIMD {
namespace {

constexpr int kVecs = kPanelColumns / kLanes;  // of floats per panel

BURNISH_INLINE int64_t columns_of_panel(int64_t n, int64_t first_column) {
  return n - first_column < kPanelColumns ? n - first_column : kPanelColumns;
}

/// Panels of elements of any kind, Step of them to a step.
template <typename T, int Step>
void pack_elements(const T* b, int64_t row, int64_t column, int64_t k, int64_t n, T* packed) {
  for (int64_t first_column = 0; first_column < n; first_column += kPanelColumns) {
    const int64_t valid = columns_of_panel(n, first_column);
    const T* source = b + first_column * column;
    for (int64_t i = 0; i < k; i += Step) {
      for (int64_t j = 0; j < kPanelColumns; ++j) {
        for (int64_t e = 0; e < Step; ++e, ++packed) {
          *packed = j < valid && i + e < k ? source[(i + e) * row + j * column] : T(0);
        }
      }
    }
  }
}

/// Two rows of sixteen 16-bit numbers, taken in turn.
BURNISH_INLINE void interleave_rows(const uint16_t* first_row, const uint16_t* second_row, uint16_t* to) {
  const __m256i x = _mm256_loadu_si256((const __m256i*)first_row);
  const __m256i y = _mm256_loadu_si256((const __m256i*)second_row);
  const __m256i low = _mm256_unpacklo_epi16(x, y);
  const __m256i high = _mm256_unpackhi_epi16(x, y);
  _mm256_storeu_si256((__m256i*)to, _mm256_permute2x128_si256(low, high, 0x20));
  _mm256_storeu_si256((__m256i*)(to + 16), _mm256_permute2x128_si256(low, high, 0x31));
}

#if BURNISH_SIMD_avx512
/// Three planes, sixteen pixels at a time: the usual image. Returns the pixels done.
int64_t interleave_three(const float* from, int64_t plane, int64_t count, float* to) {
  __m512i low[3];   // indices into planes 0 (0…15) and 1 (16…31) for each third of the result
  __m512i high[3];  // … and into that (0…15) and plane 2 (16…31)
  for (int part = 0; part < 3; ++part) {
    alignas(64) int32_t a[16];
    alignas(64) int32_t b[16];
    for (int j = 0; j < 16; ++j) {
      const int element = part * 16 + j;
      const int channel = element % 3;
      const int pixel = element / 3;
      a[j] = channel == 1 ? 16 + pixel : pixel;
      b[j] = channel == 2 ? 16 + pixel : j;
    }
    low[part] = _mm512_load_si512(a);
    high[part] = _mm512_load_si512(b);
  }
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const Vec x0 = load(from + i);
    const Vec x1 = load(from + plane + i);
    const Vec x2 = load(from + 2 * plane + i);
    for (int part = 0; part < 3; ++part) {
      const Vec first_two = _mm512_permutex2var_ps(x0, low[part], x1);
      store(to + 3 * i + 16 * part, _mm512_permutex2var_ps(first_two, high[part], x2));
    }
  }
  return i;
}
#endif

/// Three planes of bytes, sixteen pixels at a time. Returns the pixels done.
int64_t interleave_three(const uint8_t* from, int64_t plane, int64_t count, uint8_t* to) {
  __m128i order[3][3];  // [third of the result][plane]
  for (int part = 0; part < 3; ++part) {
    for (int channel = 0; channel < 3; ++channel) {
      alignas(16) int8_t source[16];
      for (int j = 0; j < 16; ++j) {
        const int element = part * 16 + j;
        source[j] = (int8_t)(element % 3 == channel ? element / 3 : -1);
      }
      order[part][channel] = _mm_load_si128((const __m128i*)source);
    }
  }
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    __m128i x[3];
    for (int c = 0; c < 3; ++c) x[c] = _mm_loadu_si128((const __m128i*)(from + c * plane + i));
    for (int part = 0; part < 3; ++part) {
      const __m128i first_two =
          _mm_or_si128(_mm_shuffle_epi8(x[0], order[part][0]), _mm_shuffle_epi8(x[1], order[part][1]));
      const __m128i all = _mm_or_si128(first_two, _mm_shuffle_epi8(x[2], order[part][2]));
      _mm_storeu_si128((__m128i*)(to + 3 * i + 16 * part), all);
    }
  }
  return i;
}

template <typename T>
BURNISH_INLINE void interleave_rest(const T* from, int64_t plane, int64_t channels, int64_t begin, int64_t end, T* to) {
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t i = begin; i < end; ++i) to[i * channels + c] = from[c * plane + i];
  }
}

}  // namespace

void pack_f32(const void* b, int64_t row, int64_t column, int64_t k, int64_t n, float scale, void* packed) {
  const Vec factor = set1(scale);
  auto* to = static_cast<float*>(packed);
  for (int64_t first_column = 0; first_column < n; first_column += kPanelColumns) {
    const int64_t valid = columns_of_panel(n, first_column);
    const float* source = static_cast<const float*>(b) + first_column * column;
    if (valid == kPanelColumns && column == 1) {
      for (int64_t i = 0; i < k; ++i, to += kPanelColumns) {
        for (int v = 0; v < kVecs; ++v) store(to + v * kLanes, mul(factor, load(source + i * row + v * kLanes)));
      }
      continue;
    }
    for (int64_t i = 0; i < k; ++i, to += kPanelColumns) {
      for (int64_t j = 0; j < kPanelColumns; ++j) to[j] = j < valid ? scale * source[i * row + j * column] : 0.0F;
    }
  }
}

void pack_u8(const void* b, int64_t row, int64_t column, int64_t k, int64_t n, float /*scale*/, void* packed) {
  pack_elements<int8_t, 4>(static_cast<const int8_t*>(b), row, column, k, n, static_cast<int8_t*>(packed));
}

void pack_bf16(const void* b, int64_t row, int64_t column, int64_t k, int64_t n, float /*scale*/, void* packed) {
  const auto* from = static_cast<const uint16_t*>(b);
  auto* to = static_cast<uint16_t*>(packed);
  const int64_t panel = (k + 1) / 2 * 2 * kPanelColumns;
  for (int64_t j = 0; j < n; j += kPanelColumns, to += panel) {
    const uint16_t* source = from + j * column;
    const int64_t valid = columns_of_panel(n, j);
    const int64_t whole = valid == kPanelColumns && column == 1 ? k / 2 * 2 : 0;
    for (int64_t i = 0; i < whole; i += 2) {
      interleave_rows(source + i * row, source + (i + 1) * row, to + i * kPanelColumns);
    }
    pack_elements<uint16_t, 2>(source + whole * row, row, column, k - whole, valid, to + whole * kPanelColumns);
  }
}

void pack_f16(const void* b, int64_t row, int64_t column, int64_t k, int64_t n, float /*scale*/, void* packed) {
  pack_elements<uint16_t, 1>(static_cast<const uint16_t*>(b), row, column, k, n, static_cast<uint16_t*>(packed));
}

void interleave_f32(const void* from, int64_t plane, int64_t channels, int64_t count, void* to) {
  const auto* x = static_cast<const float*>(from);
  auto* y = static_cast<float*>(to);
  int64_t done = 0;
#if BURNISH_SIMD_avx512
  if (channels == 3) done = interleave_three(x, plane, count, y);
#endif
  interleave_rest(x, plane, channels, done, count, y);
}

void interleave_u8(const void* from, int64_t plane, int64_t channels, int64_t count, void* to) {
  const auto* x = static_cast<const uint8_t*>(from);
  auto* y = static_cast<uint8_t*>(to);
  const int64_t done = channels == 3 ? interleave_three(x, plane, count, y) : 0;
  interleave_rest(x, plane, channels, done, count, y);
}

void interleave_bf16(const void* from, int64_t plane, int64_t channels, int64_t count, void* to) {
  interleave_rest(static_cast<const uint16_t*>(from), plane, channels, 0, count, static_cast<uint16_t*>(to));
}

void interleave_f16(const void* from, int64_t plane, int64_t channels, int64_t count, void* to) {
  const auto* x = static_cast<const uint16_t*>(from);
  auto* y = static_cast<float*>(to);
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t i = 0; i < count; ++i) y[i * channels + c] = _cvtsh_ss(x[c * plane + i]);
  }
}

void widen_f16(const void* from, int64_t count, void* to) {
  const auto* x = static_cast<const char*>(from);
  auto* y = static_cast<float*>(to);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(y + i, AsHalf::load(x + 2 * i));
  if (i < count) store(y + i, AsHalf::load(x + 2 * i, count - i), first(count - i));
}

}  // namespace burnish::BURNISH_SIMD
