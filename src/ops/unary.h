#pragma once
// Elementwise operators of one tensor: mathematics, rounding, tests, activations.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> unary_ops();
/// The activation functions among them (Relu, Gelu, Elu, …).
std::span<const OpDescriptor> activation_ops();

}  // namespace burnish
