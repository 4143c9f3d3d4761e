#pragma once
// Reductions over axes: ReduceSum and its kin.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> reduction_ops();

}  // namespace burnish
