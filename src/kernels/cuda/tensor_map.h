#pragma once
// Tensor maps: what the copy engine of sm_90 (TMA) knows of a tensor in memory. Made on the host, without the GPU.
#include <array>

#include "base/dtype.h"
#include "kernels/cuda/driver.h"

namespace burnish::cuda {

/// A tensor of up to four dims, innermost first and dense in it. Boxes of it land in shared memory as rows of
/// box[0] elements, 128 bytes or fewer, in the 128-byte swizzle; zeros where a box reaches outside.
struct TiledMap {
  DType dtype = DType::kFloat16;
  uint32_t rank = 2;
  std::array<uint64_t, 4> dims = {};
  std::array<uint64_t, 3> stride_bytes = {};  ///< Of dims 1, 2, …; multiples of 16.
  std::array<uint32_t, 4> box = {1, 1, 1, 1};
};
/// address: of device memory, aligned to 16 bytes. (Not by value: GCC 12 misaligns temporaries of aligned types.)
void encode(const TiledMap& map, const void* address, TensorMap& encoded);

/// NHWC images as a convolution's taps meet them: a copy takes `pixels` windows one after the other, row by row and
/// image by image, and of each window the pixel at the tap's offset, `channels` of its channels.
struct Im2colMap {
  DType dtype = DType::kFloat16;
  std::array<uint64_t, 4> dims = {};          ///< C, W, H, N.
  std::array<uint64_t, 3> stride_bytes = {};  ///< Of W, H, N; multiples of 16.
  /// W, H. Windows begin at lower, lower + stride, … as long as they lie before dims + upper.
  std::array<int, 2> lower = {}, upper = {};
  std::array<uint32_t, 2> stride = {1, 1};
  uint32_t channels = 64, pixels = 128;
};
void encode(const Im2colMap& map, const void* address, TensorMap& encoded);

}  // namespace burnish::cuda
