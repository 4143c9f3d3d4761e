#pragma once
// Normalisations and reductions of single rows of floats. Input and output may be the same memory.
#include "kernels/cpu/simd/format.h"

namespace burnish {

struct RowKernels {
  /// y = (x − mean)/√(variance + epsilon)·scale + bias; bias may be null. Two passes, so that a large mean costs no
  /// digits.
  void (*layer_norm)(const float* x, int64_t n, float epsilon, const float* scale, const float* bias, float* y);
  /// y = x/√(mean of squares + epsilon)·scale
  void (*rms_norm)(const float* x, int64_t n, float epsilon, const float* scale, float* y);
  void (*softmax)(const float* x, int64_t n, float* y);
  void (*log_softmax)(const float* x, int64_t n, float* y);
  /// Softmax down `width` neighbouring columns of n elements each, `step` elements from one to the next in a column.
  void (*softmax_columns)(const float* x, int64_t n, int64_t step, int64_t width, float* y);
  float (*sum)(const float* x, int64_t n);
  float (*maximum)(const float* x, int64_t n);
  float (*minimum)(const float* x, int64_t n);
  /// Down columns, as above, of numbers in any format: y[c] = Σ x[i·step + c].
  void (*sum_columns)(const void* x, const Format& format, int64_t n, int64_t step, int64_t width, float* y);
  void (*maximum_columns)(const void* x, const Format& format, int64_t n, int64_t step, int64_t width, float* y);
  void (*minimum_columns)(const void* x, const Format& format, int64_t n, int64_t step, int64_t width, float* y);
  /// y[i] *= factor
  void (*scale)(float* y, int64_t n, float factor);
};

namespace avx2 {
extern const RowKernels kRows;
}
namespace avx512 {
extern const RowKernels kRows;
}

}  // namespace burnish
