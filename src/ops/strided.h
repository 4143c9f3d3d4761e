#pragma once
// Copies between strided blocks of elements of any type; the motor of all data movement.
#include <span>

#include "base/tensor.h"

namespace burnish {

/// For every index of dims: out[Σ index·out_strides] = in[Σ index·in_strides]. Strides count elements and may be zero
/// or negative. The caller answers for the bounds.
void strided_copy(size_t element_bytes, std::span<const int64_t> dims, const void* in,
                  std::span<const int64_t> in_strides, void* out, std::span<const int64_t> out_strides);

/// Sets num_elements elements to the one at value.
void fill_elements(size_t element_bytes, const void* value, void* out, int64_t num_elements);

/// Copies all bytes; shapes may differ, sizes must not.
void copy_bytes(const TensorView& from, const TensorView& to);

/// The address of the element at an offset.
inline void* element_at(const TensorView& view, int64_t offset) {
  return view.as<std::byte>() + offset * static_cast<int64_t>(size_of(view.dtype));
}

}  // namespace burnish
