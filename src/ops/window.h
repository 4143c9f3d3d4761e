#pragma once
// Tables for signal processing: HannWindow, HammingWindow, BlackmanWindow, MelWeightMatrix.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> window_ops();

}  // namespace burnish
