#include "kernels/cuda/tensor_map.h"

namespace burnish::cuda {
namespace {

// CUtensorMapDataType, CUtensorMapInterleave, CUtensorMapSwizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill.
constexpr int kFloat16 = 6, kFloat32 = 7, kBFloat16 = 9;
constexpr int kNotInterleaved = 0, kSwizzle128 = 3, kPromotion256 = 3, kFillZeros = 0;

int type_of(DType dtype) {
  if (dtype == DType::kFloat16) return kFloat16;
  return dtype == DType::kBFloat16 ? kBFloat16 : kFloat32;
}

}  // namespace

void encode(const TiledMap& map, const void* address, TensorMap& encoded) {
  const std::array<uint32_t, 4> steps = {1, 1, 1, 1};
  check_result(driver().TensorMapEncodeTiled(&encoded, type_of(map.dtype), map.rank, const_cast<void*>(address),
                                             map.dims.data(), map.stride_bytes.data(), map.box.data(), steps.data(),
                                             kNotInterleaved, kSwizzle128, kPromotion256, kFillZeros),
               "describing a matrix to the copy engine");
}

void encode(const Im2colMap& map, const void* address, TensorMap& encoded) {
  const std::array<uint32_t, 4> steps = {1, map.stride[0], map.stride[1], 1};
  check_result(
      driver().TensorMapEncodeIm2col(&encoded, type_of(map.dtype), 4, const_cast<void*>(address), map.dims.data(),
                                     map.stride_bytes.data(), map.lower.data(), map.upper.data(), map.channels,
                                     map.pixels, steps.data(), kNotInterleaved, kSwizzle128, kPromotion256, kFillZeros),
      "describing images to the copy engine");
}

}  // namespace burnish::cuda
