#pragma once
// Steps as kernels meet them: problems with concrete shapes.
#include <optional>
#include <vector>

#include "compile/lower.h"
#include "compile/profile_shapes.h"
#include "engine/shape_resolver.h"
#include "kernels/tactic.h"

namespace burnish {

/// Shapes and shape-time values at a point of the plan's profile.
ResolvedShapes values_at(const LoweredPlan& lowered, ProfilePoint point);

/// Which of a step's tensors lie inside a concat's result.
struct SliceUse {
  std::vector<int64_t> input_row_stride;   ///< By input; 0: dense. May be shorter than the inputs.
  std::vector<int64_t> output_row_stride;  ///< By output.
};

/// nullopt when the shape of an input or an output depends on data.
std::optional<Problem> problem_of(const LoweredPlan& lowered, const ResolvedShapes& values, const PlanStep& step,
                                  const SliceUse& slices = {});

/// Everything that a kernel's time depends on, readable: operator, attributes, tensors, constants.
std::string to_string(const Problem& problem);

}  // namespace burnish
