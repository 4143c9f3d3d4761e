#pragma once
// Positions of extremes: ArgMax, ArgMin, TopK, Hardmax.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> selection_ops();

}  // namespace burnish
