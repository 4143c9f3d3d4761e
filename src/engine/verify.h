#pragma once
// Whether an engine makes sense: every index in range, every value produced before it is read, memory shared without
// cycles, constants as large as their shapes say. A verified engine can be walked without further checks of indices.
#include <vector>

#include "engine/engine_data.h"

namespace burnish {

/// Throws kCorrupt naming the plan, the step or value, and what is wrong (kInvalidArgument for sizes that overflow,
/// kMismatch for operators that this version does not have). Used on everything read from a file; the
/// compiler may call it on what it made.
void verify_engine(const EngineData& data);

/// The value whose memory this one ends up in: follows aliases and slices. Requires a verified plan.
PlanValueId memory_root(const Plan& plan, PlanValueId value);

/// A constant whose elements are stored (not only packed).
inline bool has_data(const PlanValue& value) {
  return value.kind == ValueKind::kConstant && value.blob >= 0;
}

}  // namespace burnish
