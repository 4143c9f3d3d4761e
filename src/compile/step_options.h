#pragma once
// What each step could run as.
#include <optional>
#include <vector>

#include "compile/step_problem.h"
#include "compile/tuner.h"

namespace burnish {

struct StepOptions {
  std::optional<Problem> problem;     ///< At opt shapes, dense; nullopt when they depend on data, or no kernel step.
  std::vector<Candidate> candidates;  ///< Every one runs at min, opt and max shapes. Empty unless a kernel step.
};

/// Options of every step, by step. Times what the cache does not know; reports the stage "tune".
std::vector<StepOptions> options_of_steps(const LoweredPlan& lowered, const ResolvedShapes& opt, Tuner& tuner,
                                          const Target& target, const Reporter& reporter);

}  // namespace burnish
