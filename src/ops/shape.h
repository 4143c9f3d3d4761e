#pragma once
// Shapes as data, and operators that change the shape but not the elements or their order.
// Shape, Size, Reshape, Squeeze, Unsqueeze, Flatten, Identity, Constant.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> shape_ops();

}  // namespace burnish
