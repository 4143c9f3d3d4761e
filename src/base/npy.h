#pragma once
// NumPy's .npy files. Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#include <memory>
#include <span>
#include <string>

#include "base/tensor.h"

namespace burnish {

/// Reads a C- or Fortran-ordered little-endian array of a dtype we hold. Throws kIo or kInvalidArgument naming the
/// file and what is wrong. A mapped array in C order is not copied.
Tensor read_npy(const std::string& path);
/// The same from memory that `owner` keeps alive; name stands in messages.
Tensor parse_npy(std::span<const std::byte> bytes, std::shared_ptr<void> owner, const std::string& name);
/// Writes version 1.0. float16 keeps its type; bfloat16 is written as float32, narrower types throw kUnsupported.
void write_npy(const std::string& path, const Tensor& tensor);

}  // namespace burnish
