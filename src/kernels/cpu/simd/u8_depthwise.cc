// Bytes of four rows of taps are interleaved, so that a channel's four stand together as the instruction wants them:
// an input column once for all results of the register tile that need it. Interleaving within 128-bit lanes leaves
// register v with channels 16·lane + 4·v …; packing the results back undoes that.
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

template <int K, int kStride>
BURNISH_INLINE void add_quad(const U8DepthwiseRow& r, int64_t quad, int64_t first_column, __mmask64 mask, Sums& sums) {
  const __m512i outside = _mm512_set1_epi8((char)r.x_zero);
  alignas(64) uint8_t outside_bytes[64];
  _mm512_store_si512(outside_bytes, outside);
  const uint8_t* from[kDotRows];
  int64_t step[kDotRows];
  for (int i = 0; i < kDotRows; ++i) {
    const uint8_t* row = r.rows[quad * kDotRows + i];
    from[i] = row != nullptr ? row : outside_bytes;
    step[i] = row != nullptr ? r.x_pixel : 0;
  }
  const int8_t* weights = r.weights + quad * K * kRegisters * 64;
#pragma GCC unroll 16
  for (int c = 0; c < (kDotPixels - 1) * kStride + K; ++c) {
    const int64_t column = first_column + c;
    const bool inside = column >= 0 && column < r.in_w;
    __m512i rows[kDotRows], x[kRegisters];
    for (int i = 0; i < kDotRows; ++i) {
      rows[i] = inside ? _mm512_maskz_loadu_epi8(mask, from[i] + column * step[i]) : outside;
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

BURNISH_INLINE void store_bytes(const U8DepthwiseRow& r, const Vec (&v)[kRegisters], int64_t pixel, __mmask64 mask) {
  __m512i q[kRegisters];
  for (int i = 0; i < kRegisters; ++i) q[i] = _mm512_cvtps_epi32(min(v[i], set1(65536)));
  const __m512i zero = _mm512_set1_epi16(r.zero);
  const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(q[0], q[1]), zero);
  const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(q[2], q[3]), zero);
  __m512i bytes = _mm512_packus_epi16(low, high);
  bytes = _mm512_max_epu8(bytes, _mm512_set1_epi8((char)r.low));
  bytes = _mm512_min_epu8(bytes, _mm512_set1_epi8((char)r.high));
  bytes = _mm512_xor_si512(bytes, _mm512_set1_epi8((char)r.flip));
  _mm512_mask_storeu_epi8(r.y + pixel * r.y_pixel, mask, bytes);
}

template <int K, int kStride>
void row_of(const U8DepthwiseRow& r) {
  const __mmask64 mask = r.channels == 64 ? ~0ULL : (1ULL << r.channels) - 1;
  for (int64_t pixel = 0; pixel < r.out_w; pixel += kDotPixels) {
    Sums sums;
    for (auto& pixel_sums : sums) {
      for (int v = 0; v < kRegisters; ++v) pixel_sums[v] = _mm512_loadu_si512(r.starts + v * kLanes);
    }
    const int64_t first_column = pixel * kStride - r.pad_left;
    for (int64_t quad = 0; quad < r.num_quads; ++quad) add_quad<K, kStride>(r, quad, first_column, mask, sums);
#pragma GCC unroll 4
    for (int p = 0; p < kDotPixels; ++p) {
      if (pixel + p >= r.out_w) break;
      Vec v[kRegisters];
      for (int i = 0; i < kRegisters; ++i) {
        v[i] = fma(_mm512_cvtepi32_ps(sums[p][i]), load(r.multipliers + i * kLanes), load(r.biases + i * kLanes));
      }
      if (r.floats != nullptr) {
        store_in_order(v, r.floats + (pixel + p) * kDotChannels);
      } else {
        store_bytes(r, v, pixel + p, mask);
      }
    }
  }
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
