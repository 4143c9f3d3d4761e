#pragma once
// Runs of floats that lie under a pooling window, folded element by element.
#include <stdint.h>

namespace burnish {

struct TapKernels {
  /// y[i] = max over t of taps[t][i], NaN where one is; num_taps ≥ 1.
  void (*maximum)(const float* const* taps, int64_t num_taps, int64_t n, float* y);
  /// y[i] = factor · Σ taps[t][i]
  void (*sum)(const float* const* taps, int64_t num_taps, int64_t n, float factor, float* y);
};

namespace avx2 {
extern const TapKernels kTaps;
}
namespace avx512 {
extern const TapKernels kTaps;
}

}  // namespace burnish
