#pragma once
// Object detection: NonMaxSuppression.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> detection_ops();

}  // namespace burnish
