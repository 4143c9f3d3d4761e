#pragma once
// CUDA source of what tensor-core kernels are made of: asynchronous copies into shared memory, matrix loads, products
// of fragments, clusters. The only place with PTX of these.
#include <string_view>

namespace burnish::cuda {

std::string_view tensor_core_source();

}  // namespace burnish::cuda
