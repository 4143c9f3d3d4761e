#pragma once
// CUDA C++ of the convolutions of images with few channels.
#include <string_view>

namespace burnish::cuda {

/// extern "C" product(x, weights, args, epilogue). In front of it: tensor_core_source(), epilogue_source(), and the
/// constants T, X, kRows, kWarps, kBN, N, kChannels, kKernelH, …, as stem_conv.cc makes them.
std::string_view stem_source();

}  // namespace burnish::cuda
