#include "base/shape.h"

#include <algorithm>

#include "base/checked.h"

namespace burnish {

Shape::Shape(std::span<const int64_t> dims) {
  for (int64_t d : dims) push_back(d);
}

void Shape::push_back(int64_t dim) {
  check(rank_ < kMaxRank, ErrorCode::kUnsupported, "tensors of more than {} dimensions are not supported", kMaxRank);
  dims_[static_cast<size_t>(rank_++)] = dim;
}

int64_t Shape::num_elements() const {
  return product(0, rank_);
}

int64_t Shape::product(int begin, int end) const {
  int64_t n = 1;
  for (int i = begin; i < end; ++i) {
    if ((*this)[i] < 0) throw_error(ErrorCode::kInvalidArgument, "negative dimension in shape {}", to_string(*this));
    n = checked_mul(n, (*this)[i]);
  }
  return n;
}

bool Shape::operator==(const Shape& other) const {
  return std::equal(begin(), end(), other.begin(), other.end());
}

std::string to_string(const Shape& shape) {
  std::string s = "[";
  for (int i = 0; i < shape.rank(); ++i) s += (i ? "," : "") + std::to_string(shape[i]);
  return s + "]";
}

Shape broadcast(const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  Shape out;
  for (int i = 0; i < rank; ++i) {
    const int ia = i - (rank - a.rank());
    const int ib = i - (rank - b.rank());
    const int64_t da = ia < 0 ? 1 : a[ia];
    const int64_t db = ib < 0 ? 1 : b[ib];
    if (da != db && da != 1 && db != 1)
      throw_error(ErrorCode::kInvalidArgument, "shapes {} and {} do not broadcast", to_string(a), to_string(b));
    out.push_back(da == 1 ? db : da);
  }
  return out;
}

Shape strides_of(const Shape& shape) {
  Shape s = shape;
  int64_t stride = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    s[i] = stride;
    stride = checked_mul(stride, std::max<int64_t>(shape[i], 1));
  }
  return s;
}

int normalize_axis(int64_t axis, int rank) {
  check(axis >= -rank && axis < rank, ErrorCode::kInvalidArgument, "axis {} is outside [{}, {}]", axis, -rank,
        rank - 1);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

}  // namespace burnish
