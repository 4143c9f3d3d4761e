#pragma once
// QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> quantization_ops();

}  // namespace burnish
