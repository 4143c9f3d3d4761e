#include "cli/difference.h"

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/float_types.h"

namespace burnish::cli {
namespace {

template <typename T>
double load(const Tensor& tensor, int64_t i) {
  return static_cast<double>(tensor.as<T>()[i]);
}

double element(const Tensor& tensor, int64_t i) {
  switch (tensor.dtype()) {
    case DType::kFloat32:
      return load<float>(tensor, i);
    case DType::kFloat64:
      return load<double>(tensor, i);
    case DType::kFloat16:
      return static_cast<float>(tensor.as<Half>()[i]);
    case DType::kBFloat16:
      return static_cast<float>(tensor.as<BFloat16>()[i]);
    case DType::kInt8:
      return load<int8_t>(tensor, i);
    case DType::kInt16:
      return load<int16_t>(tensor, i);
    case DType::kInt32:
      return load<int32_t>(tensor, i);
    case DType::kInt64:
      return load<int64_t>(tensor, i);
    case DType::kUInt16:
      return load<uint16_t>(tensor, i);
    case DType::kUInt32:
      return load<uint32_t>(tensor, i);
    case DType::kUInt64:
      return load<uint64_t>(tensor, i);
    default:
      return load<uint8_t>(tensor, i);
  }
}

/// Infinite where only one of the two is NaN.
double distance(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  const double d = std::abs(a - b);
  return std::isnan(d) ? std::numeric_limits<double>::infinity() : d;
}

double cosine_of(double dot, double aa, double bb) {
  if (aa == 0 && bb == 0) return 1;
  return aa > 0 && bb > 0 ? dot / (std::sqrt(aa) * std::sqrt(bb)) : 0;
}

}  // namespace

Difference difference(const Tensor& actual, const Tensor& expected) {
  check(actual.dtype() == expected.dtype() && actual.shape() == expected.shape(), ErrorCode::kInvalidArgument,
        "the engine gives {} {}, the reference {} {}", name_of(actual.dtype()), to_string(actual.shape()),
        name_of(expected.dtype()), to_string(expected.shape()));
  Difference result;
  double dot = 0, aa = 0, bb = 0, sum = 0;
  const int64_t n = expected.num_elements();
  for (int64_t i = 0; i < n; ++i) {
    const double a = element(actual, i), b = element(expected, i);
    const double d = distance(a, b);
    result.num_mismatched += d > 0 ? 1 : 0;
    result.max_abs = std::max(result.max_abs, d);
    sum += d;
    if (!std::isfinite(a) || !std::isfinite(b)) continue;
    result.magnitude = std::max(result.magnitude, std::abs(b));
    dot += a * b;
    aa += a * a;
    bb += b * b;
  }
  result.mean_abs = n > 0 ? sum / static_cast<double>(n) : 0;
  result.cosine = cosine_of(dot, aa, bb);
  return result;
}

}  // namespace burnish::cli
