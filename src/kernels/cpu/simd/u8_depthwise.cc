// Bytes of four rows of taps are interleaved, so that a channel's four stand together as the instruction wants them:
// an input column once for all results of the register tile that need it. Interleaving within 128-bit lanes leaves
// register v with channels 16·lane + 4·v …; packing the results back undoes that. Where there are 32 channels or fewer,
// the upper half of every register works on the tile of results that follows.
#ifdef __AVX512VNNI__
#include "kernels/cpu/simd/u8_depthwise.h"

#include "kernels/cpu/simd/vec.h"

namespace burnish::BURNISH_SIMD {
namespace {

constexpr int kRegisters = 4;
using Sums = __m512i[kDotPixels][kRegisters];

/// One column of four rows of taps.
BURNISH_INLINE void interleave(const __m512i (&rows)[kDotRows], __m512i (&columns)[kRegisters]) {
  const __m512i low01 = _mm512_unpacklo_epi8(rows[0], rows[1]), high01 = _mm512_unpackhi_epi8(rows[0], rows[1]);
  const __m512i low23 = _mm512_unpacklo_epi8(rows[2], rows[3]), high23 = _mm512_unpackhi_epi8(rows[2], rows[3]);
  columns[0] = _mm512_unpacklo_epi16(low01, low23);
  columns[1] = _mm512_unpackhi_epi16(low01, low23);
  columns[2] = _mm512_unpacklo_epi16(high01, high23);
  columns[3] = _mm512_unpackhi_epi16(high01, high23);
}

/// Four rows of taps, to be read column by column; outside the image there is x_zero.
struct TapRows {
  alignas(64) uint8_t outside[64];
  const uint8_t* from[kDotRows];
  int64_t step[kDotRows];
  int64_t in_w;
  __mmask64 mask;

  void set(const U8DepthwiseRow& r, int64_t quad) {
    in_w = r.in_w;
    mask = ~0ULL >> (64 - r.channels);
    _mm512_store_si512(outside, _mm512_set1_epi8((char)r.x_zero));
    for (int i = 0; i < kDotRows; ++i) {
      const uint8_t* row = r.rows[quad * kDotRows + i];
      from[i] = row != nullptr ? row : outside;
      step[i] = row != nullptr ? r.x_pixel : 0;
    }
  }
  __attribute__((always_inline)) bool inside(int64_t column) const { return column >= 0 && column < in_w; }
  template <bool kInside>
  __attribute__((always_inline)) __m512i load(int i, int64_t column) const {
    if (!kInside && !inside(column)) return _mm512_load_si512(outside);
    return _mm512_maskz_loadu_epi8(mask, from[i] + column * step[i]);
  }
  template <bool kInside>
  __attribute__((always_inline)) __m256i load_half(int i, int64_t column) const {
    if (!kInside && !inside(column)) return _mm256_load_si256((const __m256i*)outside);
    return _mm256_maskz_loadu_epi8((__mmask32)mask, from[i] + column * step[i]);
  }
};

/// kInside: so are all columns.
template <int K, int kStride, bool kHalves, bool kInside>
BURNISH_INLINE void add_quad(const U8DepthwiseRow& r, const TapRows& taps, int64_t quad, int64_t first_column,
                             Sums& sums) {
  const int8_t* weights = r.weights + quad * K * kRegisters * 64;
#pragma GCC unroll 16
  for (int c = 0; c < (kDotPixels - 1) * kStride + K; ++c) {
    const int64_t column = first_column + c;
    __m512i rows[kDotRows], x[kRegisters];
    for (int i = 0; i < kDotRows; ++i) {
      if constexpr (kHalves) {
        const __m256i next = taps.load_half<kInside>(i, column + kDotPixels * kStride);
        rows[i] = _mm512_inserti64x4(_mm512_castsi256_si512(taps.load_half<kInside>(i, column)), next, 1);
      } else {
        rows[i] = taps.load<kInside>(i, column);
      }
    }
    interleave(rows, x);
#pragma GCC unroll 4
    for (int p = 0; p < kDotPixels; ++p) {
      const int k = c - p * kStride;
      if (k < 0 || k >= K) continue;
#pragma GCC unroll 4
      for (int v = 0; v < kRegisters; ++v) {
        const __m512i w = _mm512_loadu_si512(weights + (k * kRegisters + v) * 64);
        sums[p][v] = _mm512_dpbusd_epi32(sums[p][v], x[v], w);
      }
    }
  }
}

/// Four registers of channels in the order of the registers to four of them as they stand in memory.
BURNISH_INLINE void store_in_order(const Vec (&v)[kRegisters], float* to) {
  // Lane l of register v belongs to place v of output register l: a transpose of 128-bit lanes.
  const Vec a = _mm512_shuffle_f32x4(v[0], v[1], 0x88), b = _mm512_shuffle_f32x4(v[2], v[3], 0x88);
  const Vec c = _mm512_shuffle_f32x4(v[0], v[1], 0xdd), d = _mm512_shuffle_f32x4(v[2], v[3], 0xdd);
  store(to, _mm512_shuffle_f32x4(a, b, 0x88));
  store(to + 16, _mm512_shuffle_f32x4(c, d, 0x88));
  store(to + 32, _mm512_shuffle_f32x4(a, b, 0xdd));
  store(to + 48, _mm512_shuffle_f32x4(c, d, 0xdd));
}

BURNISH_INLINE __m512i to_bytes(const U8DepthwiseRow& r, const Vec (&v)[kRegisters]) {
  __m512i q[kRegisters];
  for (int i = 0; i < kRegisters; ++i) q[i] = _mm512_cvtps_epi32(min(v[i], set1(65536)));
  const __m512i zero = _mm512_set1_epi16(r.zero);
  const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(q[0], q[1]), zero);
  const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(q[2], q[3]), zero);
  __m512i bytes = _mm512_packus_epi16(low, high);
  bytes = _mm512_max_epu8(bytes, _mm512_set1_epi8((char)r.low));
  bytes = _mm512_min_epu8(bytes, _mm512_set1_epi8((char)r.high));
  return _mm512_xor_si512(bytes, _mm512_set1_epi8((char)r.flip));
}

/// Results of a pixel and, in the upper half, of one a tile behind it, where there is one.
template <bool kHalves>
BURNISH_INLINE void store_results(const U8DepthwiseRow& r, const Vec (&v)[kRegisters], int64_t pixel) {
  const bool has_next = kHalves && pixel + kDotPixels < r.out_w;
  const __mmask64 mask = ~0ULL >> (64 - r.channels);
  if (r.floats != nullptr) {
    alignas(64) float upper[kDotChannels];
    float* to = r.floats + pixel * kDotChannels;
    store_in_order(v, kHalves ? upper : to);
    for (int64_t c = 0; kHalves && c < kDotChannels / 2; c += kLanes) {
      store(to + c, load(upper + c));
      if (has_next) store(to + kDotPixels * kDotChannels + c, load(upper + kDotChannels / 2 + c));
    }
    return;
  }
  const __m512i bytes = to_bytes(r, v);
  uint8_t* y = r.y + pixel * r.y_pixel;
  if constexpr (kHalves) {
    _mm256_mask_storeu_epi8(y, (__mmask32)mask, _mm512_castsi512_si256(bytes));
    const __m256i next = _mm512_extracti64x4_epi64(bytes, 1);
    if (has_next) _mm256_mask_storeu_epi8(y + kDotPixels * r.y_pixel, (__mmask32)mask, next);
  } else {
    _mm512_mask_storeu_epi8(y, mask, bytes);
  }
}

template <int K, int kStride, bool kHalves>
void row_of(const U8DepthwiseRow& r) {
  constexpr int64_t kPixels = kHalves ? 2 * kDotPixels : kDotPixels;
  TapRows taps[kMaxDotQuads];
  for (int64_t quad = 0; quad < r.num_quads; ++quad) taps[quad].set(r, quad);
  for (int64_t pixel = 0; pixel < r.out_w; pixel += kPixels) {
    Sums sums;
    for (auto& pixel_sums : sums) {
      for (int v = 0; v < kRegisters; ++v) pixel_sums[v] = _mm512_loadu_si512(r.starts + v * kLanes);
    }
    const int64_t first_column = pixel * kStride - r.pad_left;
    const bool inside = first_column >= 0 && first_column + (kPixels - 1) * kStride + K <= r.in_w;
    for (int64_t quad = 0; quad < r.num_quads; ++quad) {
      if (inside) {
        add_quad<K, kStride, kHalves, true>(r, taps[quad], quad, first_column, sums);
      } else {
        add_quad<K, kStride, kHalves, false>(r, taps[quad], quad, first_column, sums);
      }
    }
#pragma GCC unroll 4
    for (int p = 0; p < kDotPixels; ++p) {
      if (pixel + p >= r.out_w) break;
      Vec v[kRegisters];
      for (int i = 0; i < kRegisters; ++i) {
        v[i] = fma(_mm512_cvtepi32_ps(sums[p][i]), load(r.multipliers + i * kLanes), load(r.biases + i * kLanes));
      }
      store_results<kHalves>(r, v, pixel + p);
    }
  }
}

template <int K, int kStride>
void row_of(const U8DepthwiseRow& r) {
  return r.channels <= kDotChannels / 2 ? row_of<K, kStride, true>(r) : row_of<K, kStride, false>(r);
}

void row(const U8DepthwiseRow& r) {
  switch (r.kernel_w * 10 + r.stride_w) {
    case 31:
      return row_of<3, 1>(r);
    case 32:
      return row_of<3, 2>(r);
    case 51:
      return row_of<5, 1>(r);
    case 52:
      return row_of<5, 2>(r);
    case 71:
      return row_of<7, 1>(r);
    default:
      return row_of<7, 2>(r);
  }
}

}  // namespace

extern const U8DepthwiseFunctions kU8Depthwise = {row};

}  // namespace burnish::BURNISH_SIMD
#endif
