#pragma once
// Encodings of tensors (ops/encoding.h) as CUDA source.
#include <string>
#include <string_view>

#include "kernels/tactic.h"
#include "ops/encoding.h"

namespace burnish::cuda {

/// Whether programs can read and write it: an encodable type, and a scale whose inverse and products are normal floats.
bool is_storable(const Encoding& encoding);
/// The float as a literal that is exact, infinities and NaN included.
std::string literal_of(float value);
/// Device code that encode_source() needs: quantized().
std::string_view quantized_source();
/// Defines `float <name>(<stored type> x)`. Requires is_storable().
std::string decode_source(std::string_view name, const Encoding& encoding);
/// Defines `<stored type> <name>(float x)`. Requires is_storable().
std::string encode_source(std::string_view name, const Encoding& encoding);

/// X's encoding of an operator that ONNX knows too, and Y's (encoding.h). Without `takes_integers` integers are plain
/// numbers.
Encoding x_encoding(const Problem& problem, bool takes_integers);
Encoding y_encoding(const Problem& problem, bool takes_integers);

}  // namespace burnish::cuda
