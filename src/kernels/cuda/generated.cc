#include "kernels/cuda/generated.h"

namespace burnish::cuda {

std::string_view type_name(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return "float";
    case DType::kFloat16:
      return "f16";
    case DType::kBFloat16:
      return "bf16";
    case DType::kFloat64:
      return "double";
    case DType::kInt8:
      return "int8";
    case DType::kInt16:
      return "short";
    case DType::kInt32:
      return "int32";
    case DType::kInt64:
      return "int64";
    case DType::kUInt8:
    case DType::kBool:
      return "uint8";
    case DType::kUInt16:
      return "uint16";
    case DType::kUInt32:
      return "uint32";
    case DType::kUInt64:
      return "uint64";
    default:
      throw_error(ErrorCode::kUnsupported, "GPU programs know no {}", name_of(dtype));
  }
}

bool is_real(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kFloat16 || dtype == DType::kBFloat16;
}

PackedView packed_at(std::span<const PackedView> packed, size_t i) {
  check(i < packed.size(), ErrorCode::kCorrupt, "packed blob {} of {} is not there", i, packed.size());
  return packed[i];
}

}  // namespace burnish::cuda
