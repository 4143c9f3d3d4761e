#pragma once
// How much error every layer adds when all are lowered together.
#include <vector>

#include "builder/layers.h"
#include "builder/observation.h"
#include "passes/precision.h"

namespace burnish {

struct LayerNoise {
  double sqnr_db = 0;  ///< Of the layer's output, errors of the layers before included. Infinite: exact.
  double added = 0;    ///< Noise-to-signal ratio of the output beyond that of the layer's input.
};

/// Runs the samples through the graph in FP32 and lowered by the plan, and compares the outputs of the layers.
std::vector<LayerNoise> measure_noise(ModelCompiler& compiler, const OptimizationProfile& profile, const Graph& graph,
                                      const PrecisionPlan& plan, const std::vector<Layer>& layers,
                                      const Samples& samples, const std::vector<int64_t>& indices);

}  // namespace burnish
