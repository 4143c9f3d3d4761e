#pragma once
// What rounding weights does to a layer's mean output, and two ways to take it back.
//
// The output of channel c is off by Σₖ (code·scale − weight)·xₖ; its mean follows from the mean inputs E[xₖ]. Choosing
// which weights are rounded up and which down makes it small; what remains goes into the bias.
// Sources: C. Guo et al., SQuant, ICLR 2022 (flipping the roundings that cost least until a channel's sum of errors is
// least); M. Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019.
#include <cstdint>
#include <span>
#include <vector>

#include "quantize/scales.h"

namespace burnish {

/// E[x] of a layer's input. Empty: all 1. Otherwise one for each input channel, the groups of a grouped convolution one
/// after the other; a channel's weights (of one kernel, say) lie next to each other in a row, so that there may as well
/// be one for each weight of a row.
struct InputMeans {
  std::span<const float> values = {};
  int64_t groups = 1;
};

/// Rounds some weights to their second nearest code, cheapest first, so that the mean output error of every channel
/// gets as small as a greedy choice makes it; it never grows. Returns how many codes changed. Throws kInvalidArgument
/// naming the sizes when the means do not fit the layout.
int64_t rounding_correction(const float* weights, const InputMeans& means, QuantizedWeights& quantized);

/// What is to be added to each channel's bias: −Σₖ (code·scale − weight)·E[xₖ]. Throws as above.
std::vector<float> bias_correction(const float* weights, const InputMeans& means, const QuantizedWeights& quantized);

}  // namespace burnish
