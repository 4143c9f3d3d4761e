#pragma once
// Encodings of tensors (ops/encoding.h) as the kernels in simd/ are told them.
#include "kernels/cpu/simd/convert.h"
#include "kernels/cpu/simd/format.h"
#include "kernels/tactic.h"
#include "ops/encoding.h"

namespace burnish {

/// Whether kernels can read and write it: an encodable type, and a scale whose inverse and products are normal floats.
inline bool is_storable(const Encoding& e) {
  return is_encodable(e.dtype) && (!e.is_integer() || (e.scale >= 0x1p-100F && e.scale <= 0x1p100F));
}

/// Requires is_storable().
inline Format format_of(const Encoding& e) {
  const auto storage = [&] {
    switch (e.dtype) {
      case DType::kBFloat16:
        return Storage::kBFloat16;
      case DType::kFloat16:
        return Storage::kHalf;
      case DType::kUInt8:
        return Storage::kUInt8;
      case DType::kInt8:
        return Storage::kInt8;
      default:
        return Storage::kFloat;
    }
  };
  return {storage(), e.scale, e.zero};
}

/// Whether the operator's attributes say how the integers of input i are meant, and kernels can read them.
inline bool is_storable_input(const Problem& p, int i) {
  const DType dtype = p.inputs[static_cast<size_t>(i)].dtype;
  return is_encodable(dtype) && is_storable(input_encoding(*p.attrs, i, dtype));
}
inline Format input_format(const Problem& p, int i) {
  return format_of(input_encoding(*p.attrs, i, p.inputs[static_cast<size_t>(i)].dtype));
}

inline const ConvertKernels& convert_kernels(const Target& target) {
  if (target.isa >= Isa::kAvx512Bf16) return avx512bf16::kConvert;
  return target.isa >= Isa::kAvx512 ? avx512::kConvert : avx2::kConvert;
}

}  // namespace burnish
