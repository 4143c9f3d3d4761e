#pragma once
// Running sums and products: CumSum, CumProd.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> scan_ops();

}  // namespace burnish
