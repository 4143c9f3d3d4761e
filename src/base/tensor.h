#pragma once
// Tensors on the host: dense, row-major. TensorView borrows memory, Tensor shares ownership of it.
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "base/dtype.h"
#include "base/shape.h"

namespace burnish {

/// Alignment in bytes of every buffer that Burnish allocates and of every blob in an engine.
inline constexpr size_t kAlignment = 64;

/// Borrowed, dense, row-major.
struct TensorView {
  DType dtype = DType::kUndefined;
  Shape shape;
  void* data = nullptr;

  template <typename T>
  T* as() const {
    return static_cast<T*>(data);
  }
  int64_t num_elements() const { return shape.num_elements(); }
  size_t num_bytes() const { return static_cast<size_t>(shape.num_elements()) * size_of(dtype); }
};

/// Shared ownership of an aligned buffer. Copies are shallow; clone() copies the elements.
class Tensor {
 public:
  Tensor() = default;
  /// Allocates uninitialised memory. Throws kOutOfMemory, and kInvalidArgument when the size overflows.
  Tensor(DType dtype, const Shape& shape);
  /// Takes memory owned by someone else (a mapped file, say), kept alive by owner.
  Tensor(DType dtype, const Shape& shape, std::shared_ptr<void> owner, void* data);

  template <typename T>
  static Tensor scalar(DType dtype, T value) {
    Tensor t(dtype, Shape{});
    *t.as<T>() = value;
    return t;
  }
  /// 1-D INT64.
  static Tensor from_ints(std::span<const int64_t> values);
  /// 1-D FLOAT.
  static Tensor from_floats(std::span<const float> values);

  bool defined() const { return dtype_ != DType::kUndefined; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t num_elements() const { return shape_.num_elements(); }
  size_t num_bytes() const { return static_cast<size_t>(shape_.num_elements()) * size_of(dtype_); }
  void* data() const { return data_; }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  TensorView view() const { return {dtype_, shape_, data_}; }
  Tensor clone() const;
  /// The same memory under another shape of as many elements.
  Tensor reshaped(const Shape& shape) const;
  /// Same dtype, shape and bytes.
  bool identical(const Tensor& other) const;

 private:
  DType dtype_ = DType::kUndefined;
  Shape shape_;
  std::shared_ptr<void> owner_;
  void* data_ = nullptr;
};

/// Uninitialised memory aligned to kAlignment. Throws kOutOfMemory.
std::shared_ptr<void> allocate_aligned(size_t bytes);

}  // namespace burnish
