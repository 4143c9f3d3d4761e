#pragma once
// The numeric operators of the domain ai.onnx.ml, named "ai.onnx.ml.Binarizer".
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> ml_ops();

}  // namespace burnish
