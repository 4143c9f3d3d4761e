#pragma once
// What a model remembers of its training data: every BatchNormalization carries the mean and the variance of what went
// into it. Samples from elsewhere are found out by that, even where those held back come from elsewhere, too.
#include "builder/model_compiler.h"
#include "builder/sample_runner.h"
#include "quantize/representative.h"

namespace burnish {

/// Compares the first normalisations' inputs under the samples with what the model remembers. A warning of the kind
/// kOtherTraining for each that differs; none for models without BatchNormalization.
std::vector<Warning> check_training_statistics(ModelCompiler& compiler, const OptimizationProfile& profile,
                                               const Samples& samples, std::span<const int64_t> indices);

}  // namespace burnish
