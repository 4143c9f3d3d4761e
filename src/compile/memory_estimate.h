#pragma once
// What a context will need.
#include "compile/step_problem.h"

namespace burnish {

/// Bytes of the arena for these shapes, from the finished plan's storage and order. Values whose shape depends on data
/// are not counted.
int64_t arena_bytes(const Plan& plan, const ResolvedShapes& values);

}  // namespace burnish
