#pragma once
// What a build in lower precision asks of its options and samples before anything is done.
#include <burnish/builder.h>

#include "builder/samples.h"
#include "engine/plan.h"

namespace burnish {

/// Throws kInvalidArgument for precisions, data and metrics that do not go together.
void check_precision_options(const BuildOptions& options);

/// Throws kInvalidArgument where executions with these samples would be outside the profile.
void check_sample_shapes(const Samples& samples, const OptimizationProfile& profile);

}  // namespace burnish
