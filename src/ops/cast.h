#pragma once
// Changes of element type: Cast, CastLike, BitCast.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> cast_ops();

}  // namespace burnish
