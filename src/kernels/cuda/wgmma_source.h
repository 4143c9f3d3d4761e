#pragma once
// The kernel of cuda.wgmma_gemm and cuda.wgmma_conv: a persistent product of tiles by warpgroups (sm_90a).
#include <string>

#include "kernels/cuda/wgmma_config.h"

namespace burnish::cuda {

/// Everything but the types T and the epilogue: follows `using T = …;`, tensor_core_source() and epilogue_source(). The
/// program is the same for all sizes. narrow_type: "f16", "bf16". Entry: product.
std::string wgmma_source(const WgmmaConfig& config, bool im2col, const std::string& narrow_type);

}  // namespace burnish::cuda
