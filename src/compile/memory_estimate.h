#pragma once
// What a context will need.
#include "compile/pack.h"
#include "compile/step_problem.h"

namespace burnish {

/// Bytes of scratch memory that every step's kernel asks for, by step. Kernels that cannot be prepared count as 0.
std::vector<int64_t> scratch_bytes(const LoweredPlan& lowered, const ResolvedShapes& values,
                                   const std::vector<Candidate>& chosen, const BlobStore& blobs, const Target& target);

/// Bytes of the arena for these shapes, from the finished plan's storage and order. Values whose shape depends on data
/// are not counted.
int64_t arena_bytes(const Plan& plan, const ResolvedShapes& values, const std::vector<int64_t>& scratch);

}  // namespace burnish
