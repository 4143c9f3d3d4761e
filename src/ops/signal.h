#pragma once
// Fourier transforms: DFT, STFT. Complex numbers are pairs in the last dimension.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> signal_ops();

}  // namespace burnish
