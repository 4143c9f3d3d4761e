#include "kernels/cpu/simd/taps.h"

#include "kernels/cpu/simd/math.h"

namespace burnish::BURNISH_SIMD {
namespace {

template <typename Fold, typename Finish>
BURNISH_INLINE void fold_taps(const float* const* taps, int64_t num_taps, int64_t n, float* y, Fold fold,
                              Finish finish) {
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    Vec a = load(taps[0] + i), b = load(taps[0] + i + kLanes);
    for (int64_t t = 1; t < num_taps; ++t) {
      a = fold(a, load(taps[t] + i));
      b = fold(b, load(taps[t] + i + kLanes));
    }
    store(y + i, finish(a));
    store(y + i + kLanes, finish(b));
  }
  for (; i < n; i += kLanes) {
    const Mask m = first(n - i < kLanes ? n - i : kLanes);
    Vec a = load(taps[0] + i, m);
    for (int64_t t = 1; t < num_taps; ++t) a = fold(a, load(taps[t] + i, m));
    store(y + i, finish(a), m);
  }
}

void maximum(const float* const* taps, int64_t num_taps, int64_t n, float* y) {
  fold_taps(
      taps, num_taps, n, y, [](Vec a, Vec b) { return max_or_nan(a, b); }, [](Vec a) { return a; });
}

void sum(const float* const* taps, int64_t num_taps, int64_t n, float factor, float* y) {
  const Vec f = set1(factor);
  fold_taps(
      taps, num_taps, n, y, [](Vec a, Vec b) { return add(a, b); }, [f](Vec a) { return mul(a, f); });
}

}  // namespace

extern const TapKernels kTaps = {maximum, sum};

}  // namespace burnish::BURNISH_SIMD
