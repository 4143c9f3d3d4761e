#pragma once
// Timing one problem's candidates against each other on a GPU.
#include <vector>

#include "compile/tuner.h"

namespace burnish {

/// Microseconds of every candidate, negative for those that cannot be prepared or run. Each is repeated within a CUDA
/// graph, as it will be launched later, on buffers of its own making. Throws what tactics throw but kUnsupported.
std::vector<double> race_on_gpu(const Problem& problem, std::span<const Candidate> candidates,
                                const TuningEffort& effort, const Target& target);

}  // namespace burnish
