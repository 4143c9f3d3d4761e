#pragma once
// Elementwise operators of two broadcast tensors: arithmetic, comparisons, logic, bits.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> binary_ops();

}  // namespace burnish
