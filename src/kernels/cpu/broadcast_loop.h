#pragma once
// Walking an output and the inputs that broadcast to it with as few dimensions as possible.
#include <vector>

#include "kernels/tactic.h"

namespace burnish {

/// The output's dimensions, neighbours merged where every tensor allows it; at least two of them.
struct BroadcastLoop {
  Shape dims;
  Shape out_strides;
  std::vector<Shape> in_strides;  ///< Per input; zero where it broadcasts. The last one is zero or one.

  int column() const { return dims.rank() - 1; }
  int row() const { return dims.rank() - 2; }
  /// Where the element of these indices stands; outer counts all dimensions before the row.
  int64_t offset(const Shape& strides, int64_t outer, int64_t row_index, int64_t column_index) const {
    int64_t at = row_index * strides[row()] + column_index * strides[column()];
    for (int d = row() - 1; d >= 0; --d) {
      at += outer % dims[d] * strides[d];
      outer /= dims[d];
    }
    return at;
  }
};

/// Absent inputs have zero strides.
BroadcastLoop make_broadcast_loop(const Problem& problem);

}  // namespace burnish
