#pragma once
// Random tensors, and Dropout.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> random_ops();

}  // namespace burnish
