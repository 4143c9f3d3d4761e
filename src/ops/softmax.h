#pragma once
// Normalised exponentials and norms along one axis: Softmax, LogSoftmax, LpNormalization.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> softmax_ops();

}  // namespace burnish
