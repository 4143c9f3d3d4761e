#pragma once
// Reading and writing tensors as one arithmetic type, for references that compute in float or double whatever the
// element type in memory is.
#include <span>
#include <type_traits>
#include <vector>

#include "base/tensor.h"

namespace burnish {

/// Converts all elements to T (float, double, int64_t or uint64_t).
template <typename T>
void load_elements(const TensorView& from, T* to);
/// Converts back: floats round to nearest even (those of eight and four bits saturate), floats to integers round and
/// saturate, integers to integers keep the low bits, bool is x != 0.
template <typename T>
void store_elements(const T* from, const TensorView& to);

/// The elements of a tensor as T, borrowed when they are T already.
template <typename T>
class Source {
 public:
  Source() = default;
  explicit Source(const TensorView& view) : shape_(view.shape), size_(view.num_elements()) {
    if (view.dtype == dtype_of()) {
      data_ = view.as<const T>();
    } else {
      owned_ = Tensor(dtype_of(), view.shape);
      load_elements<T>(view, owned_.as<T>());
      data_ = owned_.as<const T>();
    }
  }
  Source(Source&&) noexcept = default;
  Source& operator=(Source&&) noexcept = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  const T* data() const { return data_; }
  const Shape& shape() const { return shape_; }
  int64_t size() const { return size_; }
  bool defined() const { return data_ != nullptr; }
  const T& operator[](int64_t i) const { return data_[i]; }

  static constexpr DType dtype_of() {
    if constexpr (std::is_same_v<T, float>) return DType::kFloat32;
    if constexpr (std::is_same_v<T, double>) return DType::kFloat64;
    if constexpr (std::is_same_v<T, uint64_t>) return DType::kUInt64;
    return DType::kInt64;
  }

 private:
  Shape shape_;
  int64_t size_ = 0;
  Tensor owned_;
  const T* data_ = nullptr;
};

/// Where a result is written as T; commit() converts when the tensor holds another type.
template <typename T>
class Sink {
 public:
  explicit Sink(const TensorView& view) : view_(view), size_(view.num_elements()) {
    if (view.dtype == Source<T>::dtype_of()) {
      data_ = view.template as<T>();
    } else {
      owned_ = Tensor(Source<T>::dtype_of(), view.shape);
      data_ = owned_.as<T>();
    }
  }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  T* data() { return data_; }
  T& operator[](int64_t i) { return data_[i]; }
  const Shape& shape() const { return view_.shape; }
  int64_t size() const { return size_; }
  void commit() {
    if (view_.dtype != Source<T>::dtype_of()) store_elements<T>(owned_.as<const T>(), view_);
  }

 private:
  TensorView view_;
  int64_t size_;
  Tensor owned_;
  T* data_ = nullptr;
};

/// Calls f(float{}) or, where float would lose digits (double and wide integers), f(double{}).
template <typename F>
void with_real(DType dtype, F&& f) {
  const bool wide = dtype == DType::kFloat64 || dtype == DType::kInt64 || dtype == DType::kUInt64 ||
                    dtype == DType::kInt32 || dtype == DType::kUInt32;
  if (wide) {
    f(double{});
  } else {
    f(float{});
  }
}

/// All elements of an integer tensor; empty for an undefined one.
std::vector<int64_t> ints_of(const TensorView& view);
/// float, double, half, bfloat16.
bool is_real(DType dtype);

}  // namespace burnish
