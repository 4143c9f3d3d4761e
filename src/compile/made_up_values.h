#pragma once
// What stands in the inputs of steps that are timed.
#include <cstddef>
#include <cstdint>

#include "base/dtype.h"

namespace burnish {

/// Small floats of mixed sign, never denormal, the same in every build; zeros for other types, which are valid indices
/// everywhere; true for masks. values: of that many elements.
void fill_made_up_values(DType dtype, void* values, int64_t num_elements);

}  // namespace burnish
