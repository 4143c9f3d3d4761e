#pragma once
// The numeric operators of the domain ai.onnx.ml; their names are unique beside those of the default domain.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> ml_ops();

}  // namespace burnish
