// Half floats: A is widened beforehand, B while it is loaded; what is left are products of floats.
#include "kernels/cpu/simd/tile.h"

namespace burnish::BURNISH_SIMD {
namespace {

struct Multiplier {
  using A = Vec;
  using B = Vec;
  using Sum = Vec;
  using As = AsHalf;
  static constexpr bool kIntegers = false;
  static constexpr int64_t kPanelStep = 32;
#if BURNISH_SIMD_avx512
  static constexpr int kMaxPanels = 2;
  static constexpr int kMaxRows[] = {0, 14, 12};
#else
  static constexpr int kMaxPanels = 1;
  static constexpr int kMaxRows[] = {0, 6};
#endif

  template <int V>
  BURNISH_INLINE A load_a(const char* p) {
    Vec a = set1(*reinterpret_cast<const float*>(p));
    if constexpr (V == 2) asm("" : "+v"(a));  // one load for both products, not one each
    return a;
  }
  BURNISH_INLINE B load_b(const char* p) {
    return from_half(load_words(p));
  }
  BURNISH_INLINE Sum start(const int32_t*) {
    return zero();
  }
  BURNISH_INLINE void multiply(Sum& sum, A a, B b) {
    sum = fma(a, b, sum);
  }
  BURNISH_INLINE Vec to_floats(Sum sum) {
    return sum;
  }
};

}  // namespace

void product_f16(const Product& p) {
  multiply<Multiplier>(p);
}

}  // namespace burnish::BURNISH_SIMD
