#include "node/compare.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "ops/elements.h"

namespace burnish::node_test {
namespace {

bool close(double actual, double expected, double rtol, double atol) {
  if (std::isnan(expected) || std::isnan(actual)) return std::isnan(expected) && std::isnan(actual);
  if (std::isinf(expected) || std::isinf(actual)) return actual == expected;
  return std::abs(actual - expected) <= atol + rtol * std::abs(expected);
}

std::string floating_difference(const Tensor& actual, const Tensor& expected, double rtol, double atol) {
  const auto n = static_cast<size_t>(expected.num_elements());
  std::vector<double> a(n);
  std::vector<double> e(n);
  load_elements<double>(actual.view(), a.data());
  load_elements<double>(expected.view(), e.data());
  size_t num_wrong = 0;
  size_t first = 0;
  for (size_t i = n; i-- > 0;) {
    if (close(a[i], e[i], rtol, atol)) continue;
    ++num_wrong;
    first = i;
  }
  if (num_wrong == 0) return "";
  return fmt::format("{} of {} elements differ, first [{}]: {} instead of {}", num_wrong, n, first, a[first], e[first]);
}

/// ONNX's expected values were rounded after each small step, ours once: two units in the last place are as good.
double least_rtol(DType dtype) {
  if (dtype == DType::kBFloat16) return 0x1p-6;
  return dtype == DType::kFloat16 ? 0x1p-9 : 0;
}

}  // namespace

std::string difference(const Tensor& actual, const Tensor& expected, double rtol, double atol) {
  if (actual.dtype() != expected.dtype()) {
    return fmt::format("dtype {} instead of {}", name_of(actual.dtype()), name_of(expected.dtype()));
  }
  if (!(actual.shape() == expected.shape())) {
    return fmt::format("shape {} instead of {}", to_string(actual.shape()), to_string(expected.shape()));
  }
  if (is_floating(expected.dtype())) {
    return floating_difference(actual, expected, std::max(rtol, least_rtol(expected.dtype())), atol);
  }
  if (actual.identical(expected)) return "";
  const std::string told = floating_difference(actual, expected, 0, 0);
  return told.empty() ? "large integers differ" : told;
}

}  // namespace burnish::node_test
