#pragma once
#include <string>

#include "base/tensor.h"

namespace burnish::node_test {

/// "" when equal within |actual - expected| ≤ atol + rtol·|expected| (NaN equals NaN, infinities by sign; same dtype
/// and shape), else what differs. Integers and bools must be equal.
/// FLOAT16 and BFLOAT16 may always differ by two units in the last place.
std::string difference(const Tensor& actual, const Tensor& expected, double rtol, double atol);

}  // namespace burnish::node_test
