#pragma once
// Depthwise convolutions of UINT8 by INT8 with products of four taps of a column at once. See u8_depthwise.cc.
#include <stdint.h>

namespace burnish {

/// Channels that are worked on together, and columns of a kernel's taps that are multiplied together.
inline constexpr int64_t kDotChannels = 64;
inline constexpr int64_t kDotRows = 4;
inline constexpr int64_t kMaxDotQuads = 2;  ///< Of so many rows.
/// Results of a row that are worked on together.
inline constexpr int64_t kDotPixels = 4;

/// One row of results for up to 64 channels. Distances in bytes.
struct U8DepthwiseRow {
  const uint8_t* const* rows = nullptr;  ///< Per row of taps: its first pixel, or null outside the image. A multiple of
                                         ///< kDotRows.
  int64_t num_quads = 0;                 ///< Rows by kDotRows, at most kMaxDotQuads.
  int64_t x_pixel = 0, in_w = 0, pad_left = 0;
  uint8_t x_zero = 0;               ///< What stands outside the image.
  const int8_t* weights = nullptr;  ///< [quad][kernel column][4 registers of 64 bytes]: see pack in u8_depthwise.cc.
  int64_t kernel_w = 0, stride_w = 1;
  int64_t channels = 0;             ///< 1 … 64.
  const int32_t* starts = nullptr;  ///< Where sums start: 64 of them, in the order of the registers.
  const float* multipliers = nullptr;
  const float* biases = nullptr;
  int64_t out_w = 0;
  /// Results as floats, [out_w][64], when not null; else bytes at y.
  float* floats = nullptr;
  /// multiplier·sum + bias, rounded, then + zero, clamped to [low, high], then ^ flip. For floats none of the latter.
  uint8_t* y = nullptr;
  int64_t y_pixel = 0;
  int16_t zero = 0;
  uint8_t low = 0, high = 255, flip = 0;
};

struct U8DepthwiseFunctions {
  /// kernel_w 3, 5 or 7; stride_w 1 or 2.
  void (*row)(const U8DepthwiseRow&);
};

namespace avx512vnni {
extern const U8DepthwiseFunctions kU8Depthwise;
}

}  // namespace burnish
