#pragma once
// Linear algebra beyond plain products: Einsum, Det.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> einsum_ops();

}  // namespace burnish
