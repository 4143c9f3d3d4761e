#pragma once
// From what an observer saw to the range that a tensor's integers shall cover.
#include <string>
#include <string_view>

#include "quantize/observer.h"
#include "quantize/range.h"

namespace burnish {

enum class Calibrator {
  kMinMax,      ///< All that was seen.
  kPercentile,  ///< All but the outermost elements.
  kEntropy,     ///< Least information lost, after S. Migacz, 8-bit Inference with TensorRT, GTC 2017.
  kMse,         ///< Least expected squared error of rounding plus clipping.
};
/// As on the command line: "minmax", "percentile", "entropy", "mse".
std::string_view name_of(Calibrator calibrator);
/// Inverse of name_of; throws kInvalidArgument listing the names.
Calibrator parse_calibrator(std::string_view name);
/// "minmax, percentile, entropy, mse"
std::string calibrator_names();

struct CalibrationOptions {
  Calibrator calibrator = Calibrator::kEntropy;
  /// kPercentile: how much of the elements (zeros included) stays in range, in per cent. What is cut off is cut at both
  /// ends alike where the tensor has both signs.
  double percentile = 99.99;
  /// low = −high.
  bool symmetric = false;
  /// How many integers there are: 256 for 8 bits. Even.
  int levels = 256;
};

/// Always contains 0 and lies within what was seen (symmetric: within ±absmax); {0, 0} for a tensor of zeros. Throws
/// kInvalidArgument for impossible options and when no finite element was observed.
Range choose_range(const Observer& observer, const CalibrationOptions& options);

/// Mean over all elements of the squared error that rounding and clipping to this range bring: step²/12 within (exact
/// zeros: none), the squared distance to the nearer end outside. Bins count as if all their elements were in the
/// middle.
double expected_squared_error(const Histogram& histogram, Range range, int levels);

}  // namespace burnish
