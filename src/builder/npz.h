#pragma once
// NumPy's .npz files: zip archives of .npy files, stored or compressed.
#include <map>
#include <string>

#include "base/tensor.h"

namespace burnish {

/// Arrays by name (without ".npy"). Throws kIo or kInvalidArgument naming the file, the array and what is wrong.
std::map<std::string, Tensor> read_npz(const std::string& path);

}  // namespace burnish
