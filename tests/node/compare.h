#pragma once
#include <string>

#include "base/tensor.h"

namespace burnish::node_test {

/// "" when equal within |actual - expected| ≤ atol + rtol·|expected| (NaN equals NaN, infinities by sign; same dtype
/// and shape), else what differs. Integers and bools must be equal.
std::string difference(const Tensor& actual, const Tensor& expected, double rtol, double atol);

}  // namespace burnish::node_test
