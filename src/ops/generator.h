#pragma once
// Tensors from few numbers: Range, ConstantOfShape, EyeLike, OneHot, Trilu, windows.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> generator_ops();

}  // namespace burnish
