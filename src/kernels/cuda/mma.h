#pragma once
// CUDA source that programs on tensor cores of 16-bit floats share (sm_80 on): asynchronous copies to shared memory,
// matrices from there to registers, products of 16×16 and 16×8. Comes behind the prelude.
#include <string_view>

namespace burnish::cuda {

std::string_view mma_source();

}  // namespace burnish::cuda
