#include "base/tensor.h"

#include <new>

#include "base/checked.h"

namespace burnish {

std::shared_ptr<void> allocate_aligned(size_t bytes) {
  const std::align_val_t align{kAlignment};
  // Rounded up so that kernels may read whole vectors at the end of a buffer.
  const size_t padded = (bytes / kAlignment + 2) * kAlignment;
  void* p = ::operator new(padded, align, std::nothrow);
  check(p != nullptr, ErrorCode::kOutOfMemory, "cannot allocate {} bytes of host memory", bytes);
  return {p, [align](void* q) { ::operator delete(q, align); }};
}

Tensor::Tensor(DType dtype, const Shape& shape) : dtype_(dtype), shape_(shape) {
  const int64_t bytes = checked_mul(shape.num_elements(), static_cast<int64_t>(size_of(dtype)));
  owner_ = allocate_aligned(static_cast<size_t>(bytes));
  data_ = owner_.get();
}

Tensor::Tensor(DType dtype, const Shape& shape, std::shared_ptr<void> owner, void* data)
    : dtype_(dtype), shape_(shape), owner_(std::move(owner)), data_(data) {}

Tensor Tensor::from_ints(std::span<const int64_t> values) {
  Tensor t(DType::kInt64, Shape{static_cast<int64_t>(values.size())});
  if (!values.empty()) std::memcpy(t.data(), values.data(), values.size_bytes());
  return t;
}

Tensor Tensor::from_floats(std::span<const float> values) {
  Tensor t(DType::kFloat32, Shape{static_cast<int64_t>(values.size())});
  if (!values.empty()) std::memcpy(t.data(), values.data(), values.size_bytes());
  return t;
}

Tensor Tensor::clone() const {
  if (!defined()) return {};
  Tensor t(dtype_, shape_);
  std::memcpy(t.data_, data_, num_bytes());
  return t;
}

Tensor Tensor::reshaped(const Shape& shape) const {
  check(shape.num_elements() == num_elements(), ErrorCode::kInvalidArgument, "cannot view shape {} as {}",
        to_string(shape_), to_string(shape));
  Tensor t = *this;
  t.shape_ = shape;
  return t;
}

bool Tensor::identical(const Tensor& other) const {
  return dtype_ == other.dtype_ && shape_ == other.shape_ &&
         (!defined() || std::memcmp(data_, other.data_, num_bytes()) == 0);
}

}  // namespace burnish
