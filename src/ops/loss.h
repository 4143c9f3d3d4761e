#pragma once
// NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> loss_ops();

}  // namespace burnish
