#pragma once
// Element types. Types narrower than a byte (INT4, UINT4, INT2, UINT2, FLOAT4E2M1) are held one element per byte in
// memory; importers and exporters pack and unpack them.
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace burnish {

enum class DType : uint8_t {
  kUndefined = 0,
  kFloat32,
  kFloat64,
  kFloat16,
  kBFloat16,
  kFloat8E4M3FN,
  kFloat8E4M3FNUZ,
  kFloat8E5M2,
  kFloat8E5M2FNUZ,
  kFloat8E8M0,
  kFloat4E2M1,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUInt8,
  kUInt16,
  kUInt32,
  kUInt64,
  kInt4,
  kUInt4,
  kInt2,
  kUInt2,
  kBool,
};
inline constexpr int kNumDTypes = static_cast<int>(DType::kBool) + 1;

/// Bytes that one element takes in memory; 0 for kUndefined.
size_t size_of(DType dtype);
/// Lower-case stable name: "float32", "int64", "bool", …
std::string_view name_of(DType dtype);
/// Inverse of name_of; kUndefined when unknown.
DType parse_dtype(std::string_view name);
/// Any floating type, the 8-bit and 4-bit ones included.
bool is_floating(DType dtype);
/// Any integer type, signed or not; kBool is none.
bool is_integer(DType dtype);
bool is_signed_integer(DType dtype);

}  // namespace burnish
