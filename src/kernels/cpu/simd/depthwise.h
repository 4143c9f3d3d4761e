#pragma once
// Depthwise convolutions over NHWC images, one row of results at a time. See depthwise.cc.
#include "kernels/cpu/simd/gemm.h"

namespace burnish {

struct F32DepthwiseRow {
  const float* x = nullptr;  ///< Where the first result's first tap would be; taps outside the image are skipped.
  int64_t x_pixel = 0;
  int64_t in_w = 0;
  int64_t pad_left = 0, stride_w = 1, dilation_w = 1;
  int64_t tap_row = 0;                 ///< Elements between rows of taps.
  int64_t row_begin = 0, row_end = 0;  ///< The rows of taps inside the image.
  int64_t kernel_w = 0;
  const float* weights = nullptr;  ///< [kernel rows][kernel_w][channels, padded to panels]
  int64_t channels = 0;
  float* y = nullptr;
  int64_t y_pixel = 0;
  int64_t out_w = 0;
  const float* residual = nullptr;  ///< Of the first result.
  const F32Epilogue* epilogue = nullptr;
};

struct F32DepthwiseFunctions {
  void (*row)(const F32DepthwiseRow&);
};

namespace avx2 {
extern const F32DepthwiseFunctions kF32Depthwise;
}
namespace avx512 {
extern const F32DepthwiseFunctions kF32Depthwise;
}

}  // namespace burnish
