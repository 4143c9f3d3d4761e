#pragma once
// Transforms of Winograd convolutions F(m×m, 3×3), m = 2 or 4, over tiles of NHWC images. See winograd.cc.
#include "kernels/cpu/simd/gemm.h"

namespace burnish {

/// Side of an input tile and number of positions of a transformed one.
constexpr int winograd_side(int m) {
  return m + 2;
}
constexpr int winograd_positions(int m) {
  return (m + 2) * (m + 2);
}
/// The positive interpolation points of F(m×m, 3×3), m/2 of them; zero, their negatives and infinity complete the set.
/// Chosen for small rounding errors: with ±1/√2 and ±√2 a result is ten times nearer than with ±1 and ±2.
inline constexpr double kWinogradPoints[2][2] = {{1, 0}, {0.70710678118654752, 1.41421356237309505}};

/// One tile of input: pixels [row_begin, row_end) × [column_begin, column_end) of it lie in the image, others are zero.
/// X is stored as floats of some kind. Distances in bytes.
struct WinogradInput {
  const char* x = nullptr;  ///< Where the tile's first pixel would be.
  int64_t row = 0, pixel = 0;
  int row_begin = 0, row_end = 0, column_begin = 0, column_end = 0;
  int64_t channels = 0;
  char* v = nullptr;       ///< Channels of position 0; written up to a multiple of the vector length.
  int64_t v_position = 0;  ///< Between positions.
};

/// One tile of results, of which rows × columns pixels lie in the image.
struct WinogradOutput {
  const float* products = nullptr;
  int64_t position = 0;  ///< Floats between positions.
  int rows = 0, columns = 0;
  int64_t channels = 0;
  char* y = nullptr;
  int64_t row = 0, pixel = 0;          ///< Of Y, in bytes.
  const Epilogue* epilogue = nullptr;  ///< residual_row is between pixels, residual_group between rows.
  const char* residual = nullptr;      ///< Of the tile's first pixel.
};

/// Indexed by m / 2 - 1.
struct WinogradFunctions {
  void (*input_floats[2])(const WinogradInput&);  ///< From X of a type to V of floats…
  void (*input_bfloat16[2])(const WinogradInput&);
  void (*input_halves[2])(const WinogradInput&);
  void (*input_to_bfloat16[2])(const WinogradInput&);  ///< … or from bfloat16 to bfloat16.
  void (*output_floats[2])(const WinogradOutput&);     ///< Residual and Y are floats, there is no multiplier.
  void (*output_bfloat16[2])(const WinogradOutput&);   ///< … are bfloat16, and the activation is a clamp before which
                                                       ///< the residual stands.
  void (*output_any[2])(const WinogradOutput&);
};

namespace avx2 {
extern const WinogradFunctions kWinograd;
}
namespace avx512 {
extern const WinogradFunctions kWinograd;
}
namespace avx512bf16 {
extern const WinogradFunctions kWinograd;
}

}  // namespace burnish
