#include "base/dtype.h"

#include <array>

namespace burnish {
namespace {

enum class Kind : uint8_t { kNone, kFloat, kSigned, kUnsigned, kBool };
struct Row {
  std::string_view name;
  uint8_t bytes;
  Kind kind;
};

// clang-format off
constexpr std::array<Row, kNumDTypes> kRows{{
    {"undefined", 0, Kind::kNone},
    {"float32", 4, Kind::kFloat},
    {"float64", 8, Kind::kFloat},
    {"float16", 2, Kind::kFloat},
    {"bfloat16", 2, Kind::kFloat},
    {"float8e4m3fn", 1, Kind::kFloat},
    {"float8e4m3fnuz", 1, Kind::kFloat},
    {"float8e5m2", 1, Kind::kFloat},
    {"float8e5m2fnuz", 1, Kind::kFloat},
    {"float8e8m0", 1, Kind::kFloat},
    {"float4e2m1", 1, Kind::kFloat},
    {"int8", 1, Kind::kSigned},
    {"int16", 2, Kind::kSigned},
    {"int32", 4, Kind::kSigned},
    {"int64", 8, Kind::kSigned},
    {"uint8", 1, Kind::kUnsigned},
    {"uint16", 2, Kind::kUnsigned},
    {"uint32", 4, Kind::kUnsigned},
    {"uint64", 8, Kind::kUnsigned},
    {"int4", 1, Kind::kSigned},
    {"uint4", 1, Kind::kUnsigned},
    {"int2", 1, Kind::kSigned},
    {"uint2", 1, Kind::kUnsigned},
    {"bool", 1, Kind::kBool},
}};
// clang-format on

const Row& row(DType dtype) {
  const auto i = static_cast<size_t>(dtype);
  return kRows[i < kRows.size() ? i : 0];
}

}  // namespace

size_t size_of(DType dtype) {
  return row(dtype).bytes;
}
std::string_view name_of(DType dtype) {
  return row(dtype).name;
}
bool is_floating(DType dtype) {
  return row(dtype).kind == Kind::kFloat;
}
bool is_signed_integer(DType dtype) {
  return row(dtype).kind == Kind::kSigned;
}
bool is_integer(DType dtype) {
  return is_signed_integer(dtype) || row(dtype).kind == Kind::kUnsigned;
}

DType parse_dtype(std::string_view name) {
  for (size_t i = 1; i < kRows.size(); ++i)
    if (kRows[i].name == name) return static_cast<DType>(i);
  return DType::kUndefined;
}

}  // namespace burnish
