#pragma once
// Swapping two dimensions of elements of one, two or four bytes.
#include <stdint.h>

namespace burnish {

/// to[r·to_row + c] = from[c·from_column + r] for rows × columns elements; distances in elements.
struct SwapKernels {
  void (*bytes)(const uint8_t* from, int64_t from_column, uint8_t* to, int64_t to_row, int64_t rows, int64_t columns);
  void (*words)(const uint16_t* from, int64_t from_column, uint16_t* to, int64_t to_row, int64_t rows, int64_t columns);
  void (*floats)(const float* from, int64_t from_column, float* to, int64_t to_row, int64_t rows, int64_t columns);
};

namespace avx2 {
extern const SwapKernels kSwap;
}
namespace avx512 {
extern const SwapKernels kSwap;
}

}  // namespace burnish
