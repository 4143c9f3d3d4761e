#pragma once
// Depthwise convolutions over NHWC images, one row of results at a time. See depthwise.cc.
#include "kernels/cpu/simd/format.h"
#include "kernels/cpu/simd/gemm.h"

namespace burnish {

/// Distances in elements of the tensor that they belong to.
struct DepthwiseRow {
  const void* x = nullptr;  ///< Where the first result's first tap would be; taps outside the image are skipped.
  Format x_format;          ///< No INT8.
  int64_t x_pixel = 0;
  int64_t in_w = 0;
  int64_t pad_left = 0, stride_w = 1, dilation_w = 1;
  int64_t tap_row = 0;                 ///< Between rows of taps.
  int64_t row_begin = 0, row_end = 0;  ///< The rows of taps inside the image.
  int64_t kernel_w = 0;
  /// [kernel rows][kernel_w][channels, padded to panels]. Whole numbers where X holds integers: then all sums are exact
  /// if there are no more than kMaxIntegerTaps of them.
  const float* weights = nullptr;
  const float* multipliers = nullptr;  ///< [channels, padded]: what sums of integers are multiplied with.
  int64_t channels = 0;
  void* y = nullptr;
  Format y_format;
  int64_t y_pixel = 0;
  int64_t out_w = 0;
  const void* residual = nullptr;  ///< Of the first result. Null: none.
  Format residual_format;
  int64_t residual_pixel = 0;
  const F32Epilogue* epilogue = nullptr;  ///< Bias and activation, and where the residual stands.
};

inline constexpr int64_t kMaxIntegerTaps = 256;

/// Results of the row before residual and activation: pixels × channels floats. What stands between the rows of floats
/// may be overwritten.
struct UnfinishedResults {
  float* values;
  int64_t row;                  ///< From pixel to pixel: a multiple of the lanes, at most kUnfinishedRow.
  int64_t first_pixel, pixels;  ///< At most kUnfinishedPixels.
  int64_t first_channel, channels;
};
inline constexpr int64_t kUnfinishedPixels = 8;
inline constexpr int64_t kUnfinishedRow = 64;

struct DepthwiseFunctions {
  void (*row)(const DepthwiseRow&);
  /// Residual, activation, encoding of results made elsewhere.
  void (*finish)(const DepthwiseRow&, const UnfinishedResults&);
};

namespace avx2 {
extern const DepthwiseFunctions kDepthwise;
}
namespace avx512 {
extern const DepthwiseFunctions kDepthwise;
}

}  // namespace burnish
