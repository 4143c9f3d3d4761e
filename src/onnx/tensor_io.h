#pragma once
// TensorProto files (".pb"), such as ONNX's own test data.
#include <string>

#include "base/tensor.h"

namespace burnish {

/// Throws kIo when the file cannot be read, and kInvalidModel or kUnsupported naming it when it holds no tensor that we
/// hold. name, when given, receives the tensor's name.
Tensor read_tensor_proto(const std::string& path, std::string* name = nullptr);

}  // namespace burnish
