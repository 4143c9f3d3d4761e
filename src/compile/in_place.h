#pragma once
// Steps that write their output over an input.
#include "compile/step_options.h"

namespace burnish {

/// Lets output 0 of a step share the memory of an input that dies there, where the step's tactic allows it and the
/// sizes are equal for all shapes. Outputs of the model, inputs and constants keep their memory. Returns how many.
int run_in_place(LoweredPlan& lowered, const std::vector<StepOptions>& options, const std::vector<Candidate>& chosen);

}  // namespace burnish
