#pragma once
// From a step of a plan to a kernel, trusting nothing that the engine file says.
#include <memory>
#include <span>

#include "engine/engine_data.h"
#include "kernels/tactic.h"
#include "runtime/specialization.h"

namespace burnish {

/// The step's tactic. Throws kMismatch when this build has no such tactic, or another version of it.
const Tactic& tactic_of(const PlanStep& step, TacticLookup find);

/// The step as the tactic meets it, shapes and strides as laid out. Requires that all its shapes are known.
/// free_dims: by value (TensorDesc::free_dims); empty: none.
Problem problem_of(const Plan& plan, const PlanStep& step, const ResolvedShapes& resolved, const MemoryLayout& layout,
                   std::span<const uint32_t> free_dims);

/// Throws unless the tactic runs this operator on these tensors: inputs without data are packed away, strides and
/// shared memory are accepted.
void check_usable(const Tactic& tactic, const Plan& plan, const PlanStep& step, const Problem& problem,
                  const MemoryLayout& layout, const Target& target);

std::unique_ptr<Kernel> prepare_kernel(const Tactic& tactic, const EngineData& data, const PlanStep& step,
                                       const Problem& problem, const Target& target);

/// True when some tensor has no elements: kernels need not know of that, the reference does.
bool has_empty_input(const Problem& problem);
bool outputs_are_empty(const Problem& problem);

}  // namespace burnish
