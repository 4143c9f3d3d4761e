#pragma once
// The kernel of cuda.mma_gemm and cuda.mma_conv: a product of tiles, pipelined through shared memory.
#include <string_view>

namespace burnish::cuda {

/// Follows the constants of mma_problem.h, tensor_core_source() and epilogue_source(). Entries: product, and before
/// sm_90 reduce_splits.
std::string_view mma_source();

}  // namespace burnish::cuda
