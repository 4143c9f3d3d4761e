#pragma once
// Runs of numbers that lie under a pooling window, folded element by element.
#include "kernels/cpu/simd/format.h"

namespace burnish {

/// Where the elements of each tap begin; num_taps ≥ 1 of them, each with n elements.
struct Taps {
  const void* const* at;
  int64_t num_taps;
  int64_t n;
};

struct TapKernels {
  /// y[i] = max over t of taps[t][i], NaN where one is; y is stored like the taps.
  void (*maximum)(const Taps& taps, Storage storage, void* y);
  /// y[i] = factor · Σ taps[t][i]. Sums of integers are exact up to 2¹⁶ taps.
  void (*sum)(const Taps& taps, const Format& from, float factor, void* y, const Format& to);
};

namespace avx2 {
extern const TapKernels kTaps;
}
namespace avx512 {
extern const TapKernels kTaps;
}

}  // namespace burnish
