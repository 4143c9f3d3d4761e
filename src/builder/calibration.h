#pragma once
// Ranges for what layers read: from samples, or from the cache that an earlier build wrote.
#include "builder/equalise_layers.h"
#include "builder/sample_checks.h"
#include "builder/samples.h"

namespace burnish {

struct SplitSamples {
  Samples samples;
  SampleSplit split;  ///< The two parts are the same where there are too few samples to hold some back.
};

/// The samples that the options name. Throws kInvalidArgument for such as do not fit the model or the profile.
SplitSamples load_samples(const ModelCompiler& compiler, const OptimizationProfile& profile);

struct Calibration {
  Graph graph;                ///< Optimised, its layers equalised.
  Equalisation equalisation;  ///< What made it so.
  Observations observations;  ///< Of the samples calibrated with; empty without samples.
  RangeTable ranges;
  SampleFindings findings;
};

/// graph: optimised, to be lowered. Without samples (null) the ranges come from the cache alone. Throws kUnsupported
/// when no layer can compute on integers, kIo when there is neither samples nor cache, kMismatch for another model's
/// cache.
Calibration calibrate(ModelCompiler& compiler, const OptimizationProfile& profile, Graph graph,
                      const SplitSamples* samples);

}  // namespace burnish
