#pragma once
// CUDA source that every generated program begins with: element types, conversions, vectors, the functions of
// Pointwise programs and activations.
#include <string>
#include <string_view>

namespace burnish::cuda {

std::string_view prelude();

/// The text with calls of activations replaced by their approximate forms (fast_activations.inc): of results that are
/// kept as narrow floats only.
std::string with_fast_activations(std::string text);

}  // namespace burnish::cuda
