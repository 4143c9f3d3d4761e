#pragma once
// Vectors of floats to and from the types they are stored in. For files in this folder only.
#include "kernels/cpu/simd/gemm.h"
#include "kernels/cpu/simd/vec.h"

namespace burnish::BURNISH_SIMD {

// finish_tile() is shared by the instruction sets that differ in how they multiply only.
#if BURNISH_SIMD_avx512bf16
namespace base = avx512bf16;  // rounds to bfloat16 in one instruction
#elif BURNISH_SIMD_avx512
namespace base = avx512;
#else
namespace base = avx2;
#endif

#if BURNISH_SIMD_avx512
using Whole = __m512i;  // a vector's worth of int32
using Words = __m256i;  // … of 16-bit numbers
using Bytes = __m512i;  // kByteVecs vectors' worth of bytes
constexpr int kByteVecs = 4;

BURNISH_INLINE Vec to_floats(Whole x) {
  return _mm512_cvtepi32_ps(x);
}
BURNISH_INLINE Words load_words(const char* p) {
  return _mm256_loadu_si256((const __m256i*)p);
}
BURNISH_INLINE Words load_words(const char* p, int64_t n) {
  return _mm256_maskz_loadu_epi16(first(n), p);
}
BURNISH_INLINE void store_words(char* p, Words x) {
  _mm256_storeu_si256((__m256i*)p, x);
}
BURNISH_INLINE void store_words(char* p, Words x, int64_t n) {
  _mm256_mask_storeu_epi16(p, first(n), x);
}
BURNISH_INLINE Vec from_bfloat16(Words x) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}
BURNISH_INLINE Words to_bfloat16(Vec x) {
#if BURNISH_SIMD_avx512bf16
  return (Words)_mm512_cvtneps_pbh(x);
#else
  const Whole u = _mm512_castps_si512(x);
  const Whole odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
  const Whole rounded = _mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const Mask nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
  const Whole quiet = _mm512_mask_or_epi32(rounded, nan, u, _mm512_set1_epi32(0x400000));
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(quiet, 16));
#endif
}
BURNISH_INLINE Vec from_half(Words x) {
  return _mm512_cvtph_ps(x);
}
BURNISH_INLINE Words to_half(Vec x) {
  return _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT);
}
/// kLanes bytes, or n ≤ kLanes, each as one int32.
BURNISH_INLINE Whole load_uint8(const char* p) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)p));
}
BURNISH_INLINE Whole load_int8(const char* p) {
  return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i*)p));
}
BURNISH_INLINE Whole load_uint8(const char* p, int64_t n) {
  return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(first(n), p));
}
BURNISH_INLINE Whole load_int8(const char* p, int64_t n) {
  return _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(first(n), p));
}
#else
using Whole = __m256i;
using Words = __m128i;
using Bytes = __m128i;
constexpr int kByteVecs = 2;

/// Byte by byte: a compiler would make a call of a copy whose length it does not know.
BURNISH_INLINE void copy_bytes(char* to, const char* from, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    to[i] = from[i];
    asm volatile("" ::: "memory");
  }
}
BURNISH_INLINE __m128i load_bytes(const char* p, int64_t n) {
  alignas(16) char whole[16] = {};
  copy_bytes(whole, p, n);
  return _mm_load_si128((const __m128i*)whole);
}
BURNISH_INLINE void store_bytes(char* p, __m128i x, int64_t n) {
  alignas(16) char whole[16];
  _mm_store_si128((__m128i*)whole, x);
  copy_bytes(p, whole, n);
}
BURNISH_INLINE Vec to_floats(Whole x) {
  return _mm256_cvtepi32_ps(x);
}
BURNISH_INLINE Words load_words(const char* p) {
  return _mm_loadu_si128((const __m128i*)p);
}
BURNISH_INLINE Words load_words(const char* p, int64_t n) {
  return n == kLanes ? load_words(p) : load_bytes(p, 2 * n);
}
BURNISH_INLINE void store_words(char* p, Words x) {
  _mm_storeu_si128((__m128i*)p, x);
}
BURNISH_INLINE void store_words(char* p, Words x, int64_t n) {
  if (n == kLanes) return store_words(p, x);
  store_bytes(p, x, 2 * n);
}
BURNISH_INLINE Vec from_bfloat16(Words x) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16));
}
BURNISH_INLINE Words to_bfloat16(Vec x) {
  const Whole u = _mm256_castps_si256(x);
  const Whole odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
  const Whole rounded = _mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const Vec nan = _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
  const Whole quiet = _mm256_or_si256(u, _mm256_set1_epi32(0x400000));
  const Whole high = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, _mm256_castps_si256(nan)), 16);
  const Whole packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(high, high), 0x08);
  return _mm256_castsi256_si128(packed);
}
BURNISH_INLINE Vec from_half(Words x) {
  return _mm256_cvtph_ps(x);
}
BURNISH_INLINE Words to_half(Vec x) {
  return _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT);
}
BURNISH_INLINE Whole load_uint8(const char* p) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)p));
}
BURNISH_INLINE Whole load_int8(const char* p) {
  return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)p));
}
BURNISH_INLINE Whole load_uint8(const char* p, int64_t n) {
  return n == kLanes ? load_uint8(p) : _mm256_cvtepu8_epi32(load_bytes(p, n));
}
BURNISH_INLINE Whole load_int8(const char* p, int64_t n) {
  return n == kLanes ? load_int8(p) : _mm256_cvtepi8_epi32(load_bytes(p, n));
}
#endif

/// One type that floats are stored in: n ≤ kLanes elements, or all of a vector.
struct AsFloat {
  static constexpr Stored kStored = Stored::kFloat;
  static constexpr int64_t kBytes = 4;
  BURNISH_INLINE Vec load(const char* p) { return BURNISH_SIMD::load((const float*)p); }
  BURNISH_INLINE Vec load(const char* p, int64_t n) { return BURNISH_SIMD::load((const float*)p, first(n)); }
  BURNISH_INLINE void store(char* p, Vec x) { BURNISH_SIMD::store((float*)p, x); }
  BURNISH_INLINE void store(char* p, Vec x, int64_t n) { BURNISH_SIMD::store((float*)p, x, first(n)); }
};
struct AsBFloat16 {
  static constexpr Stored kStored = Stored::kBFloat16;
  static constexpr int64_t kBytes = 2;
  BURNISH_INLINE Vec load(const char* p) { return from_bfloat16(load_words(p)); }
  BURNISH_INLINE Vec load(const char* p, int64_t n) { return from_bfloat16(load_words(p, n)); }
  BURNISH_INLINE void store(char* p, Vec x) { store_words(p, to_bfloat16(x)); }
  BURNISH_INLINE void store(char* p, Vec x, int64_t n) { store_words(p, to_bfloat16(x), n); }
};
struct AsHalf {
  static constexpr Stored kStored = Stored::kHalf;
  static constexpr int64_t kBytes = 2;
  BURNISH_INLINE Vec load(const char* p) { return from_half(load_words(p)); }
  BURNISH_INLINE Vec load(const char* p, int64_t n) { return from_half(load_words(p, n)); }
  BURNISH_INLINE void store(char* p, Vec x) { store_words(p, to_half(x)); }
  BURNISH_INLINE void store(char* p, Vec x, int64_t n) { store_words(p, to_half(x), n); }
};

/// Floats to bytes: rounds to the nearest integer, ties to even, adds a zero point and saturates. INT8 is UINT8 with
/// another zero point until the topmost bit is flipped at the end.
struct ByteEncoding {
  Bytes zero, low, high, flip;
};

#if BURNISH_SIMD_avx512
BURNISH_INLINE ByteEncoding byte_encoding(const Epilogue& e) {
  const int shift = e.stored == Stored::kInt8 ? 128 : 0;
  return {_mm512_set1_epi16((short)(e.zero + shift)), _mm512_set1_epi8((char)e.low), _mm512_set1_epi8((char)e.high),
          _mm512_set1_epi8((char)shift)};
}
/// The bound stands first: NaN passes and becomes the lowest number.
BURNISH_INLINE Whole rounded(Vec x) {
  return _mm512_cvtps_epi32(min(set1(1073741824.0F), x));
}
BURNISH_INLINE Bytes encode_bytes(const Vec (&x)[kByteVecs], const ByteEncoding& e) {
  const Bytes low = _mm512_adds_epi16(_mm512_packs_epi32(rounded(x[0]), rounded(x[1])), e.zero);
  const Bytes high = _mm512_adds_epi16(_mm512_packs_epi32(rounded(x[2]), rounded(x[3])), e.zero);
  const Bytes clamped = _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(low, high), e.low), e.high);
  // Every 128 bits hold four columns of each vector.
  const Whole order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, _mm512_xor_si512(clamped, e.flip));
}
/// The first n of a register's bytes.
BURNISH_INLINE void store_encoded(char* p, Bytes x, int64_t n) {
  if (n == 64) return _mm512_storeu_si512(p, x);
  if (n == 48) {
    _mm256_storeu_si256((__m256i*)p, _mm512_castsi512_si256(x));
    return _mm_storeu_si128((__m128i*)(p + 32), _mm512_extracti32x4_epi32(x, 2));
  }
  if (n == 32) return _mm256_storeu_si256((__m256i*)p, _mm512_castsi512_si256(x));
  if (n == 16) return _mm_storeu_si128((__m128i*)p, _mm512_castsi512_si128(x));
  _mm512_mask_storeu_epi8(p, (1ULL << n) - 1, x);
}
#else
BURNISH_INLINE ByteEncoding byte_encoding(const Epilogue& e) {
  const int shift = e.stored == Stored::kInt8 ? 128 : 0;
  return {_mm_set1_epi16((short)(e.zero + shift)), _mm_set1_epi8((char)e.low), _mm_set1_epi8((char)e.high),
          _mm_set1_epi8((char)shift)};
}
BURNISH_INLINE Whole rounded(Vec x) {
  return _mm256_cvtps_epi32(min(set1(1073741824.0F), x));
}
BURNISH_INLINE Bytes encode_bytes(const Vec (&x)[kByteVecs], const ByteEncoding& e) {
  const Whole mixed = _mm256_packs_epi32(rounded(x[0]), rounded(x[1]));
  const Whole words = _mm256_permute4x64_epi64(mixed, 0xd8);
  const Bytes low = _mm_adds_epi16(_mm256_castsi256_si128(words), e.zero);
  const Bytes high = _mm_adds_epi16(_mm256_extracti128_si256(words, 1), e.zero);
  const Bytes clamped = _mm_min_epu8(_mm_max_epu8(_mm_packus_epi16(low, high), e.low), e.high);
  return _mm_xor_si128(clamped, e.flip);
}
BURNISH_INLINE void store_encoded(char* p, Bytes x, int64_t n) {
  if (n == 16) return _mm_storeu_si128((__m128i*)p, x);
  store_bytes(p, x, n);
}
#endif

}  // namespace burnish::BURNISH_SIMD
