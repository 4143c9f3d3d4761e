#pragma once
// Walking all indices of a shape with the offsets of several operands.
#include <utility>
#include <vector>

#include "base/shape.h"

namespace burnish {

/// Strides of an input over the output's dims, zero where it broadcasts.
inline std::vector<int64_t> broadcast_strides(const Shape& out, const Shape& in) {
  std::vector<int64_t> strides(static_cast<size_t>(out.rank()));
  const Shape own = strides_of(in);
  for (int i = 0; i < in.rank(); ++i)
    strides[static_cast<size_t>(out.rank() - in.rank() + i)] = in[i] == 1 ? 0 : own[i];
  return strides;
}

/// The last dim runs fastest. operands: strides in elements over the shape's dims.
class Walk {
 public:
  Walk(const Shape& shape, std::vector<std::vector<int64_t>> strides)
      : shape_(shape), strides_(std::move(strides)), index_(static_cast<size_t>(shape.rank())), at_(strides_.size()) {}
  int64_t offset(size_t operand) const { return at_[operand]; }
  void next() {
    for (int d = shape_.rank() - 1; d >= 0; --d) {
      const auto i = static_cast<size_t>(d);
      const bool wraps = ++index_[i] == shape_[d];
      for (size_t k = 0; k < at_.size(); ++k) at_[k] += wraps ? -(index_[i] - 1) * strides_[k][i] : strides_[k][i];
      if (!wraps) return;
      index_[i] = 0;
    }
  }

 private:
  Shape shape_;
  std::vector<std::vector<int64_t>> strides_;
  std::vector<int64_t> index_;
  std::vector<int64_t> at_;
};

}  // namespace burnish
