#pragma once
// How far two tensors are apart.
#include "base/tensor.h"

namespace burnish::cli {

struct Difference {
  double max_abs = 0;
  double mean_abs = 0;
  double magnitude = 0;  ///< Largest absolute value of the reference.
  double cosine = 1;
  int64_t num_mismatched = 0;  ///< Elements that differ at all (for integers and booleans), or where only one is NaN.
  /// Relative to the reference's largest magnitude.
  double max_rel() const { return magnitude > 0 ? max_abs / magnitude : max_abs; }
  double mean_rel() const { return magnitude > 0 ? mean_abs / magnitude : mean_abs; }
  bool within(double tolerance) const { return max_rel() <= tolerance; }
};

/// Of equal dtype and shape; NaN equals NaN and an infinity itself. Throws kInvalidArgument otherwise.
Difference difference(const Tensor& actual, const Tensor& expected);

}  // namespace burnish::cli
