#pragma once
// Whether samples stand for what the model will see, as far as calibration can tell: what is said, and what follows.
#include "builder/observation.h"
#include "quantize/ranges.h"
#include "quantize/representative.h"

namespace burnish {

struct SampleFindings {
  std::vector<Warning> warnings;
  /// False when accuracy that is measured on these samples says nothing about real inputs: inputs that are one colour,
  /// the same in all samples, or others than the model was trained on.
  bool trustworthy = true;
};

/// What calibration saw of values that will be stored as integers, against what it saw in samples held back.
struct CalibrationEvidence {
  const Graph& graph;
  const RangeTable& ranges;
  const Observations& calibration;
  const Observations& held_back;
};

/// Adds what the network's inputs and the model's own statistics tell. A value that is the same in all samples is a
/// fault only when the samples are: masks and embeddings of types need not vary.
SampleFindings check_samples(ModelCompiler& compiler, const OptimizationProfile& profile, const Samples& samples,
                             const std::vector<int64_t>& indices, const CalibrationEvidence& evidence);

}  // namespace burnish
