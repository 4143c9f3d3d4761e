// UINT8 rows times INT8 weights, exact in int32. Without VNNI both are widened to 16 bits in registers, every other
// byte at a time, because the instruction that multiplies bytes saturates its sums to 16.
#include "kernels/cpu/simd/tile.h"

namespace burnish::BURNISH_SIMD {
namespace {

BURNISH_INLINE int32_t four_bytes(const char* p) {
  int32_t x;
  __builtin_memcpy(&x, p, sizeof(x));
  return x;
}

#if BURNISH_SIMD_avx512vnni

struct Multiplier {
  using A = Whole;
  using B = Whole;
  using Sum = Whole;
  using As = AsFloat;
  static constexpr bool kIntegers = true;
  static constexpr int64_t kPanelStep = 64;
  static constexpr int kMaxPanels = 4;
  static constexpr int kMaxRows[] = {0, 14, 12, 8, 6};

  template <int V>
  BURNISH_INLINE A load_a(const char* p) {
    return _mm512_set1_epi32(four_bytes(p));
  }
  BURNISH_INLINE B load_b(const char* p) { return _mm512_loadu_si512(p); }
  BURNISH_INLINE Sum start(const int32_t* offsets) { return _mm512_loadu_si512(offsets); }
  BURNISH_INLINE void multiply(Sum& sum, A a, B b) { sum = _mm512_dpbusd_epi32(sum, a, b); }
  BURNISH_INLINE Vec to_floats(Sum sum) { return BURNISH_SIMD::to_floats(sum); }
};

#else

#if BURNISH_SIMD_avx512
BURNISH_INLINE Whole load_whole(const void* p) {
  return _mm512_loadu_si512(p);
}
BURNISH_INLINE Whole spread(int32_t x) {
  return _mm512_set1_epi32(x);
}
BURNISH_INLINE Whole even_bytes(Whole x) {
  return _mm512_and_si512(x, _mm512_set1_epi16(0xff));
}
BURNISH_INLINE Whole odd_bytes(Whole x) {
  return _mm512_srli_epi16(x, 8);
}
BURNISH_INLINE Whole even_signed(Whole x) {
  return _mm512_srai_epi16(_mm512_slli_epi16(x, 8), 8);
}
BURNISH_INLINE Whole odd_signed(Whole x) {
  return _mm512_srai_epi16(x, 8);
}
BURNISH_INLINE Whole add_products(Whole sum, Whole a, Whole b) {
  return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b));
}
constexpr int kWidePanels = 2;
constexpr int kWideRows[] = {0, 12, 10};
#else
BURNISH_INLINE Whole load_whole(const void* p) {
  return _mm256_loadu_si256((const __m256i*)p);
}
BURNISH_INLINE Whole spread(int32_t x) {
  return _mm256_set1_epi32(x);
}
BURNISH_INLINE Whole even_bytes(Whole x) {
  return _mm256_and_si256(x, _mm256_set1_epi16(0xff));
}
BURNISH_INLINE Whole odd_bytes(Whole x) {
  return _mm256_srli_epi16(x, 8);
}
BURNISH_INLINE Whole even_signed(Whole x) {
  return _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8);
}
BURNISH_INLINE Whole odd_signed(Whole x) {
  return _mm256_srai_epi16(x, 8);
}
BURNISH_INLINE Whole add_products(Whole sum, Whole a, Whole b) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
}
constexpr int kWidePanels = 1;
constexpr int kWideRows[] = {0, 4};
#endif

struct Multiplier {
  struct Halves {
    Whole even, odd;
  };
  using A = Halves;
  using B = Halves;
  using Sum = Whole;
  using As = AsFloat;
  static constexpr bool kIntegers = true;
  static constexpr int64_t kPanelStep = 64;
  static constexpr int kMaxPanels = kWidePanels;
  static constexpr const int (&kMaxRows)[kWidePanels + 1] = kWideRows;

  template <int V>
  BURNISH_INLINE A load_a(const char* p) {
    const Whole x = spread(four_bytes(p));
    return {even_bytes(x), odd_bytes(x)};
  }
  BURNISH_INLINE B load_b(const char* p) {
    const Whole x = load_whole(p);
    return {even_signed(x), odd_signed(x)};
  }
  BURNISH_INLINE Sum start(const int32_t* offsets) { return load_whole(offsets); }
  BURNISH_INLINE void multiply(Sum& sum, const A& a, const B& b) {
    sum = add_products(add_products(sum, a.even, b.even), a.odd, b.odd);
  }
  BURNISH_INLINE Vec to_floats(Sum sum) { return BURNISH_SIMD::to_floats(sum); }
};

#endif

}  // namespace

void product_u8(const Product& p) {
  multiply<Multiplier>(p);
}

}  // namespace burnish::BURNISH_SIMD
