#pragma once
// What the numeric operators share: which type they compute in, element types named by attributes, and loops over
// broadcast operands.
#include <array>
#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

#include "ops/elements.h"
#include "ops/op.h"

namespace burnish {

/// Calls f with a value of the type to compute in: float (for FLOAT and narrower), double, int64_t, or uint64_t.
template <typename F>
void with_compute(DType dtype, F&& f) {
  if (dtype == DType::kFloat64) return f(double{});
  if (is_floating(dtype)) return f(float{});
  if (is_signed_integer(dtype)) return f(int64_t{});
  f(uint64_t{});
}

/// The same for operators of floating types only: float or double.
template <typename F>
void with_float(DType dtype, F&& f) {
  if (dtype == DType::kFloat64) return f(double{});
  f(float{});
}

/// The element type of a TensorProto.DataType number. Throws kUnsupported for what we do not hold.
DType dtype_of_number(int64_t number);
/// An attribute that names an element type, by TensorProto.DataType number or by our name ("float16"); fallback when
/// absent.
DType dtype_attribute(const AttributeMap& attrs, std::string_view name, DType fallback);

/// Two's complement arithmetic: overflow wraps, as ONNX's integers do, instead of being undefined.
template <typename T>
T wrapping_add(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a + b;
  return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
template <typename T>
T wrapping_sub(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a - b;
  return static_cast<T>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
template <typename T>
T wrapping_mul(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a * b;
  return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

/// Dense row-major operands broadcast to one output shape, with adjacent dims merged where all operands allow.
class BroadcastLoop {
 public:
  /// Every operand must broadcast to the output shape. Throws kInvalidArgument otherwise.
  BroadcastLoop(const Shape& output, std::span<const Shape> operands);

  /// Elements in one run: along it an operand advances by step(i) elements, 0 or 1.
  int64_t run_length() const { return dims_.back(); }
  int64_t step(size_t operand) const { return strides_[operand].back(); }

  /// Calls f(output_offset, operand_offsets) for every run.
  template <typename F>
  void for_each_run(F&& f) const {
    if (num_elements_ == 0) return;
    std::vector<int64_t> offsets(strides_.size(), 0);
    std::vector<int64_t> index(dims_.size(), 0);
    for (int64_t at = 0; at < num_elements_; at += run_length()) {
      f(at, offsets);
      advance(index, offsets);
    }
  }

 private:
  void append(int64_t dim, const std::vector<int64_t>& strides);
  void advance(std::vector<int64_t>& index, std::vector<int64_t>& offsets) const;

  int64_t num_elements_ = 0;
  std::vector<int64_t> dims_;
  std::vector<std::vector<int64_t>> strides_;  // by operand, in elements
};

/// y[i] = f(a[i], b[i]) over broadcast operands.
template <typename A, typename B, typename Y, typename F>
void broadcast_binary(const Shape& output, const Shape& a_shape, const A* a, const Shape& b_shape, const B* b, Y* y,
                      F&& f) {
  const std::array<Shape, 2> shapes{a_shape, b_shape};
  const BroadcastLoop loop(output, shapes);
  const int64_t n = loop.run_length();
  loop.for_each_run([&](int64_t at, const std::vector<int64_t>& offsets) {
    const A* pa = a + offsets[0];
    const B* pb = b + offsets[1];
    Y* py = y + at;
    if (loop.step(0) == 1 && loop.step(1) == 1) {
      for (int64_t i = 0; i < n; ++i) py[i] = f(pa[i], pb[i]);
    } else if (loop.step(0) == 1) {
      for (int64_t i = 0; i < n; ++i) py[i] = f(pa[i], *pb);
    } else {
      for (int64_t i = 0; i < n; ++i) py[i] = f(*pa, pb[i * loop.step(1)]);
    }
  });
}

/// Output 0 has the broadcast shape of all inputs from first on, when their shapes are known.
std::optional<SymShape> broadcast_inputs(const InferContext& c, int first = 0);

}  // namespace burnish
