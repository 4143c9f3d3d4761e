#pragma once
// CUDA source that every generated program begins with: element types, conversions, vectors, the functions of
// Pointwise programs and activations.
#include <string_view>

namespace burnish::cuda {

std::string_view prelude();

}  // namespace burnish::cuda
