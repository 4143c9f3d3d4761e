#pragma once
// A tensor seen along one axis: [outer, length, inner].
#include "base/shape.h"

namespace burnish {

struct Lanes {
  int64_t outer = 1;
  int64_t length = 1;
  int64_t inner = 1;

  Lanes(const Shape& shape, int axis)
      : outer(shape.product(0, axis)), length(shape[axis]), inner(shape.product(axis + 1, shape.rank())) {}

  /// Calls f(offset of the lane's first element); its elements lie inner apart.
  template <typename F>
  void for_each(F&& f) const {
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t i = 0; i < inner; ++i) f(o * length * inner + i);
  }
};

}  // namespace burnish
