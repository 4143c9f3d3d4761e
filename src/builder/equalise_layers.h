#pragma once
// Channels of very different width between two convolutions, as depthwise nets have them: made even by rescaling the
// weights around them, which changes nothing in FP32 and leaves integers more of their range.
#include <map>
#include <string>
#include <vector>

#include "builder/observation.h"

namespace burnish {

/// For each value, by name, what its channels are divided by.
using Equalisation = std::map<std::string, std::vector<float>>;

/// For values that go from one FusedConv to another and nowhere else, with nothing between them but a function with
/// f(s·x) = s·f(x). Only where the expected error of rounding activations and weights falls markedly; pairs meet each
/// other's weights, so they are gone through until little changes. Values without observations are left alone.
/// Source: M. Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019, with
/// observed ranges in place of those of the first layer's weights.
Equalisation choose_equalisation(const Graph& graph, const Observations& observations);

/// Rescales weights and biases. Throws kUnsupported when such a value is not between two convolutions in this graph.
void equalise_layers(Graph& graph, const Equalisation& equalisation);

}  // namespace burnish
