// Products of bfloat16, two to a step. Where there is no instruction for it both become floats in registers: bfloat16
// is the upper half of one.
#include "kernels/cpu/simd/tile.h"

namespace burnish::BURNISH_SIMD {
namespace {

BURNISH_INLINE int32_t two_elements(const char* p) {
  int32_t x;
  __builtin_memcpy(&x, p, sizeof(x));
  return x;
}

#if BURNISH_SIMD_avx512bf16

struct Multiplier {
  using A = Whole;
  using B = Whole;
  using Sum = Vec;
  using As = AsBFloat16;
  static constexpr bool kIntegers = false;
  static constexpr int64_t kPanelStep = 64;
  static constexpr int kMaxPanels = 4;
  static constexpr int kMaxRows[] = {0, 14, 12, 8, 6};

  template <int V>
  BURNISH_INLINE A load_a(const char* p) {
    return _mm512_set1_epi32(two_elements(p));
  }
  BURNISH_INLINE B load_b(const char* p) { return _mm512_loadu_si512(p); }
  BURNISH_INLINE Sum start(const int32_t*) { return zero(); }
  BURNISH_INLINE void multiply(Sum& sum, A a, B b) { sum = _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b); }
  BURNISH_INLINE Vec to_floats(Sum sum) { return sum; }
};

#else

#if BURNISH_SIMD_avx512
BURNISH_INLINE Vec lower(Whole x) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(x, 16));
}
BURNISH_INLINE Vec upper(Whole x) {
  return _mm512_castsi512_ps(_mm512_and_si512(x, _mm512_set1_epi32((int)0xffff0000)));
}
BURNISH_INLINE Whole load_whole(const char* p) {
  return _mm512_loadu_si512(p);
}
BURNISH_INLINE Whole spread(int32_t x) {
  return _mm512_set1_epi32(x);
}
constexpr int kWidePanels = 2;
constexpr int kWideRows[] = {0, 12, 12};
#else
BURNISH_INLINE Vec lower(Whole x) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(x, 16));
}
BURNISH_INLINE Vec upper(Whole x) {
  return _mm256_castsi256_ps(_mm256_and_si256(x, _mm256_set1_epi32((int)0xffff0000)));
}
BURNISH_INLINE Whole load_whole(const char* p) {
  return _mm256_loadu_si256((const __m256i*)p);
}
BURNISH_INLINE Whole spread(int32_t x) {
  return _mm256_set1_epi32(x);
}
constexpr int kWidePanels = 1;
constexpr int kWideRows[] = {0, 4};
#endif

struct Multiplier {
  struct Pair {
    Vec lower, upper;
  };
  using A = Pair;
  using B = Pair;
  using Sum = Vec;
  using As = AsBFloat16;
  static constexpr bool kIntegers = false;
  static constexpr int64_t kPanelStep = 64;
  static constexpr int kMaxPanels = kWidePanels;
  static constexpr const int (&kMaxRows)[kWidePanels + 1] = kWideRows;

  template <int V>
  BURNISH_INLINE A load_a(const char* p) {
    const Whole x = spread(two_elements(p));
    return {lower(x), upper(x)};
  }
  BURNISH_INLINE B load_b(const char* p) {
    const Whole x = load_whole(p);
    return {lower(x), upper(x)};
  }
  BURNISH_INLINE Sum start(const int32_t*) { return zero(); }
  BURNISH_INLINE void multiply(Sum& sum, const A& a, const B& b) {
    sum = fma(a.upper, b.upper, fma(a.lower, b.lower, sum));
  }
  BURNISH_INLINE Vec to_floats(Sum sum) { return sum; }
};

#endif

}  // namespace

void product_bf16(const Product& p) {
  multiply<Multiplier>(p);
}

}  // namespace burnish::BURNISH_SIMD
