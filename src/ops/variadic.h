#pragma once
// Elementwise operators of any number of broadcast tensors: Max, Min, Sum, Mean, and Where.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> variadic_ops();

}  // namespace burnish
