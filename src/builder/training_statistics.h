#pragma once
// What a model itself remembers of its training data: the running means and variances of its batch normalisations.
#include <optional>

#include "builder/model_compiler.h"
#include "builder/samples.h"
#include "quantize/representative.h"

namespace burnish {

/// Compares what reaches the first batch normalisations with the statistics that they hold; a warning for each where a
/// typical channel is shifted by more than a standard deviation, or varies much more or less. Models without them, or
/// with those of an untrained network (mean 0, variance 1), give none. Source of the idea: data-free methods such as
/// M. Haroush et al., The Knowledge Within: Methods for Data-Free Model Compression, CVPR 2020.
std::vector<Warning> check_training_statistics(ModelCompiler& compiler, const OptimizationProfile& profile,
                                               const Samples& samples, const std::vector<int64_t>& indices);

}  // namespace burnish
