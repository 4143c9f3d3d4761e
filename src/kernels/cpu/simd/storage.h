#pragma once
// Vectors of floats from memory of any storage and back: loops are templates of Storage, with a Decoder for what they
// read and an Encoder for what they write. For files in this folder only.
#include "kernels/cpu/simd/format.h"
#include "kernels/cpu/simd/vec.h"

namespace burnish::BURNISH_SIMD {

template <Storage>
struct ElementOf {
  using Type = uint16_t;
};
template <>
struct ElementOf<Storage::kFloat> {
  using Type = float;
};
template <>
struct ElementOf<Storage::kUInt8> {
  using Type = uint8_t;
};
template <>
struct ElementOf<Storage::kInt8> {
  using Type = int8_t;
};
template <Storage S>
using Element = typename ElementOf<S>::Type;

#if BURNISH_SIMD_avx2
using Ints = __m256i;
using Bytes = __m128i;  ///< kLanes of them, in the low half.
using Words = __m128i;

BURNISH_INLINE int num_lanes(Mask mask) {
  return __builtin_popcount((unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(mask)));
}
BURNISH_INLINE Bytes load_bytes(const void* p) {
  return _mm_loadl_epi64((const __m128i*)p);
}
/// The mask must be one of first().
BURNISH_INLINE Bytes load_bytes(const void* p, Mask mask) {
  uint64_t bytes = 0;
  for (int i = num_lanes(mask) - 1; i >= 0; --i) bytes = bytes << 8 | ((const uint8_t*)p)[i];
  return _mm_cvtsi64_si128((long long)bytes);
}
BURNISH_INLINE Words load_words(const void* p) {
  return _mm_loadu_si128((const __m128i*)p);
}
BURNISH_INLINE Words load_words(const void* p, Mask mask) {
  uint16_t words[kLanes] = {};
  for (int i = 0, n = num_lanes(mask); i < n; ++i) words[i] = ((const uint16_t*)p)[i];
  return load_words(words);
}
BURNISH_INLINE void store_bytes(void* p, Bytes b) {
  _mm_storel_epi64((__m128i*)p, b);
}
BURNISH_INLINE void store_bytes(void* p, Bytes b, Mask mask) {
  auto bytes = (uint64_t)_mm_cvtsi128_si64(b);
  for (int i = 0, n = num_lanes(mask); i < n; ++i, bytes >>= 8) ((uint8_t*)p)[i] = (uint8_t)bytes;
}
BURNISH_INLINE void store_words(void* p, Words w) {
  _mm_storeu_si128((__m128i*)p, w);
}
BURNISH_INLINE void store_words(void* p, Words w, Mask mask) {
  uint16_t words[kLanes];
  store_words(words, w);
  for (int i = 0, n = num_lanes(mask); i < n; ++i) ((uint16_t*)p)[i] = words[i];
}
BURNISH_INLINE Vec from_unsigned(Bytes b) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(b));
}
BURNISH_INLINE Vec from_signed(Bytes b) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(b));
}
BURNISH_INLINE Vec from_bfloat16(Words w) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(w), 16));
}
BURNISH_INLINE Vec from_half(Words w) {
  return _mm256_cvtph_ps(w);
}
BURNISH_INLINE Words to_half(Vec v) {
  return _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT);
}
BURNISH_INLINE Words to_bfloat16(Vec v) {
  const __m256i bits = _mm256_castps_si256(v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
  const __m256i high = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
  return _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
}
/// Rounded to nearest even, moved by zero, the low bytes; the result must fit.
BURNISH_INLINE Bytes to_bytes(Vec v, Ints zero) {
  const __m256i q = _mm256_add_epi32(_mm256_cvtps_epi32(v), zero);
  const __m256i low = _mm256_shuffle_epi8(q, _mm256_set1_epi32(0x0c080400));
  return _mm_unpacklo_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
}
BURNISH_INLINE Ints set1_int(int32_t x) {
  return _mm256_set1_epi32(x);
}
/// Four vectors rounded, moved by zero and clamped to the type.
template <bool kSigned>
BURNISH_INLINE void store_four_bytes(void* p, const Vec (&v)[4], int32_t zero) {
  __m256i q[4];
  for (int k = 0; k < 4; ++k) q[k] = _mm256_cvtps_epi32(v[k]);
  const __m256i move = _mm256_set1_epi16((int16_t)zero);
  const __m256i a = _mm256_adds_epi16(_mm256_packs_epi32(q[0], q[1]), move);
  const __m256i b = _mm256_adds_epi16(_mm256_packs_epi32(q[2], q[3]), move);
  const __m256i bytes = kSigned ? _mm256_packs_epi16(a, b) : _mm256_packus_epi16(a, b);
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  _mm256_storeu_si256((__m256i*)p, _mm256_permutevar8x32_epi32(bytes, order));
}
#else
using Ints = __m512i;
using Bytes = __m128i;
using Words = __m256i;

BURNISH_INLINE Bytes load_bytes(const void* p) {
  return _mm_loadu_si128((const __m128i*)p);
}
BURNISH_INLINE Bytes load_bytes(const void* p, Mask mask) {
  return _mm_maskz_loadu_epi8(mask, p);
}
BURNISH_INLINE Words load_words(const void* p) {
  return _mm256_loadu_si256((const __m256i*)p);
}
BURNISH_INLINE Words load_words(const void* p, Mask mask) {
  return _mm256_maskz_loadu_epi16(mask, p);
}
BURNISH_INLINE void store_bytes(void* p, Bytes b) {
  _mm_storeu_si128((__m128i*)p, b);
}
BURNISH_INLINE void store_bytes(void* p, Bytes b, Mask mask) {
  _mm_mask_storeu_epi8(p, mask, b);
}
BURNISH_INLINE void store_words(void* p, Words w) {
  _mm256_storeu_si256((__m256i*)p, w);
}
BURNISH_INLINE void store_words(void* p, Words w, Mask mask) {
  _mm256_mask_storeu_epi16(p, mask, w);
}
BURNISH_INLINE Vec from_unsigned(Bytes b) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(b));
}
BURNISH_INLINE Vec from_signed(Bytes b) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(b));
}
BURNISH_INLINE Vec from_bfloat16(Words w) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(w), 16));
}
BURNISH_INLINE Vec from_half(Words w) {
  return _mm512_cvtph_ps(w);
}
BURNISH_INLINE Words to_half(Vec v) {
  return _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
#ifdef __AVX512BF16__
/// Takes subnormal numbers for zero, unlike what follows.
BURNISH_INLINE Words to_bfloat16(Vec v) {
  return (Words)_mm512_cvtneps_pbh(v);
}
#else
BURNISH_INLINE Words to_bfloat16(Vec v) {
  const __m512i bits = _mm512_castps_si512(v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const Mask nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
  const __m512i quiet = _mm512_mask_or_epi32(rounded, nan, bits, _mm512_set1_epi32(0x400000));
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(quiet, 16));
}
#endif
BURNISH_INLINE Bytes to_bytes(Vec v, Ints zero) {
  return _mm512_cvtepi32_epi8(_mm512_add_epi32(_mm512_cvtps_epi32(v), zero));
}
BURNISH_INLINE Ints set1_int(int32_t x) {
  return _mm512_set1_epi32(x);
}
template <bool kSigned>
BURNISH_INLINE void store_four_bytes(void* p, const Vec (&v)[4], int32_t zero) {
  __m512i q[4];
  for (int k = 0; k < 4; ++k) q[k] = _mm512_cvtps_epi32(v[k]);
  const __m512i move = _mm512_set1_epi16((int16_t)zero);
  const __m512i a = _mm512_adds_epi16(_mm512_packs_epi32(q[0], q[1]), move);
  const __m512i b = _mm512_adds_epi16(_mm512_packs_epi32(q[2], q[3]), move);
  const __m512i bytes = kSigned ? _mm512_packs_epi16(a, b) : _mm512_packus_epi16(a, b);
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  _mm512_storeu_si512(p, _mm512_permutexvar_epi32(order, bytes));
}
#endif

/// The stored numbers themselves, integers without their scale. With a mask, which must be one of first(): lanes
/// outside read nothing and are zero.
template <Storage S, typename... M>
BURNISH_INLINE Vec load_as(const Element<S>* p, M... mask) {
  if constexpr (S == Storage::kFloat) return load(p, mask...);
  if constexpr (S == Storage::kBFloat16) return from_bfloat16(load_words(p, mask...));
  if constexpr (S == Storage::kHalf) return from_half(load_words(p, mask...));
  if constexpr (S == Storage::kUInt8) return from_unsigned(load_bytes(p, mask...));
  if constexpr (S == Storage::kInt8) return from_signed(load_bytes(p, mask...));
}

/// What the stored numbers stand for.
template <Storage S>
struct Decoder {
  Vec scale, zero;
  explicit Decoder(const Format& s) : scale(set1(s.scale)), zero(set1((float)s.zero)) {}
  template <typename... M>
  __attribute__((always_inline)) Vec load(const Element<S>* p, M... mask) const {
    const Vec q = load_as<S>(p, mask...);
    if constexpr (is_integer(S)) return mul(scale, sub(q, zero));
    return q;
  }
};

/// Rounds to nearest even, as ops/encoding.h does: integers are those of the quotient by the scale, rounded to a float
/// first, and clamped to the type's range; NaN becomes the lowest.
template <Storage S>
struct Encoder {
  Vec scale, inverse, low, high;
  Ints zero;
  int32_t zero_point;
  explicit Encoder(const Format& s)
      : scale(set1(s.scale)), inverse(set1(1 / s.scale)), zero(set1_int(s.zero)), zero_point(s.zero) {
    const int lowest = S == Storage::kUInt8 ? 0 : -128;
    low = set1(s.scale * (float)(lowest - s.zero));
    high = set1(s.scale * (float)(lowest + 255 - s.zero));
  }
  /// v/scale as a division rounds it, for v within [low, high]. Twice the step of Markstein (IBM J. Res. Dev. 34,
  /// 1990): the first makes the quotient faithful, the second exact.
  __attribute__((always_inline)) Vec quotient(Vec v) const {
    Vec q = mul(v, inverse);
    q = fma(fnma(q, scale, v), inverse, q);
    return fma(fnma(q, scale, v), inverse, q);
  }
  template <typename... M>
  __attribute__((always_inline)) void store(Element<S>* p, Vec v, M... mask) const {
    if constexpr (S == Storage::kFloat) return BURNISH_SIMD::store(p, v, mask...);
    if constexpr (S == Storage::kBFloat16) return store_words(p, to_bfloat16(v), mask...);
    if constexpr (S == Storage::kHalf) return store_words(p, to_half(v), mask...);
    if constexpr (is_integer(S)) store_bytes(p, to_bytes(quotient(min(high, max(v, low))), zero), mask...);
  }
  /// Four vectors that stand one behind the other. What is too low, or NaN, saturates by itself; what is too high would
  /// turn negative.
  __attribute__((always_inline)) void store_four(Element<S>* p, const Vec (&v)[4]) const {
    if constexpr (is_integer(S)) {
      Vec q[4];
      for (int k = 0; k < 4; ++k) q[k] = quotient(min(high, v[k]));
      return store_four_bytes<S == Storage::kInt8>(p, q, zero_point);
    }
#ifdef __AVX512BF16__
    if constexpr (S == Storage::kBFloat16) {
      _mm512_storeu_si512(p, (__m512i)_mm512_cvtne2ps_pbh(v[1], v[0]));
      return _mm512_storeu_si512(p + 2 * kLanes, (__m512i)_mm512_cvtne2ps_pbh(v[3], v[2]));
    }
#endif
    for (int k = 0; k < 4; ++k) store(p + k * kLanes, v[k]);
  }
};

template <Storage S>
struct StorageTag {
  static constexpr Storage value = S;
};

/// Calls f(StorageTag) for the storage that is known only while running.
template <typename F>
BURNISH_INLINE void with_storage(Storage s, F f) {
  switch (s) {
    case Storage::kFloat:
      return f(StorageTag<Storage::kFloat>{});
    case Storage::kBFloat16:
      return f(StorageTag<Storage::kBFloat16>{});
    case Storage::kHalf:
      return f(StorageTag<Storage::kHalf>{});
    case Storage::kUInt8:
      return f(StorageTag<Storage::kUInt8>{});
    case Storage::kInt8:
      return f(StorageTag<Storage::kInt8>{});
  }
}

}  // namespace burnish::BURNISH_SIMD
