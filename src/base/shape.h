#pragma once
// A concrete shape: up to kMaxRank dimensions, no allocation.
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace burnish {

inline constexpr int kMaxRank = 12;

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : Shape(std::span<const int64_t>(dims.begin(), dims.size())) {}
  /// Throws kUnsupported beyond kMaxRank dimensions.
  explicit Shape(std::span<const int64_t> dims);

  int rank() const { return rank_; }
  int64_t operator[](int i) const { return dims_[static_cast<size_t>(i)]; }
  int64_t& operator[](int i) { return dims_[static_cast<size_t>(i)]; }
  int64_t back() const { return dims_[static_cast<size_t>(rank_ - 1)]; }
  /// Appends a dimension; throws kUnsupported beyond kMaxRank.
  void push_back(int64_t dim);
  const int64_t* begin() const { return dims_.data(); }
  const int64_t* end() const { return dims_.data() + rank_; }
  std::span<const int64_t> dims() const { return {dims_.data(), static_cast<size_t>(rank_)}; }

  /// Product of all dimensions; 1 for a scalar. Throws kInvalidArgument on overflow or a negative dimension.
  int64_t num_elements() const;
  /// Product of dims [begin, end).
  int64_t product(int begin, int end) const;
  bool operator==(const Shape& other) const;

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

/// "[1,3,224,224]"
std::string to_string(const Shape& shape);
/// NumPy broadcasting of two shapes; throws kInvalidArgument naming both.
Shape broadcast(const Shape& a, const Shape& b);
/// Row-major strides in elements.
Shape strides_of(const Shape& shape);
/// Maps axis in [-rank, rank) to [0, rank); throws kInvalidArgument otherwise.
int normalize_axis(int64_t axis, int rank);

}  // namespace burnish
