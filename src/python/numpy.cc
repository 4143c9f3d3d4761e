#include "python/numpy.h"

#include <cstring>

#include "base/error.h"

namespace burnish::python {

// In the order of DataType.
const std::array<NumPy::Row, NumPy::kNumTypes> NumPy::kRows = {
    {{DataType::kFloat32, "float32", "FLOAT32", nullptr},
     {DataType::kFloat64, "float64", "FLOAT64", nullptr},
     {DataType::kFloat16, "float16", "FLOAT16", nullptr},
     {DataType::kBFloat16, "bfloat16", "BFLOAT16", "uint16"},
     {DataType::kInt8, "int8", "INT8", nullptr},
     {DataType::kInt16, "int16", "INT16", nullptr},
     {DataType::kInt32, "int32", "INT32", nullptr},
     {DataType::kInt64, "int64", "INT64", nullptr},
     {DataType::kUInt8, "uint8", "UINT8", nullptr},
     {DataType::kUInt16, "uint16", "UINT16", nullptr},
     {DataType::kUInt32, "uint32", "UINT32", nullptr},
     {DataType::kUInt64, "uint64", "UINT64", nullptr},
     {DataType::kBool, "bool", "BOOL", nullptr},
     {DataType::kFloat8E4M3FN, "float8_e4m3fn", "FLOAT8_E4M3FN", "uint8"},
     {DataType::kFloat8E4M3FNUZ, "float8_e4m3fnuz", "FLOAT8_E4M3FNUZ", "uint8"},
     {DataType::kFloat8E5M2, "float8_e5m2", "FLOAT8_E5M2", "uint8"},
     {DataType::kFloat8E5M2FNUZ, "float8_e5m2fnuz", "FLOAT8_E5M2FNUZ", "uint8"},
     {DataType::kFloat8E8M0, "float8_e8m0fnu", "FLOAT8_E8M0FNU", "uint8"},
     {DataType::kFloat4E2M1, "float4_e2m1fn", "FLOAT4_E2M1FN", "uint8"},
     {DataType::kInt4, "int4", "INT4", "int8"},
     {DataType::kUInt4, "uint4", "UINT4", "uint8"},
     {DataType::kInt2, "int2", "INT2", "int8"},
     {DataType::kUInt2, "uint2", "UINT2", "uint8"}}};

const NumPy::Row& NumPy::row(DataType type) {
  return kRows.at(index(type));
}

const char* name_of(DataType type) {
  return NumPy::row(type).name;
}

NumPy::NumPy() {
  const nb::module_ numpy = nb::module_::import_("numpy");
  array_type_ = numpy.attr("ndarray");
  empty_ = numpy.attr("empty");
  asarray_ = numpy.attr("asarray");
  from_dlpack_ = numpy.attr("from_dlpack");
  nb::object ml_dtypes = nb::none();
  try {
    ml_dtypes = nb::module_::import_("ml_dtypes");
  } catch (nb::python_error&) {  // not installed: its types are then refused one by one
  }
  const nb::object make = numpy.attr("dtype");
  for (const Row& r : kRows) {
    storage_[index(r.type)] = make(r.storage != nullptr ? r.storage : r.name);
    if (r.storage == nullptr) {
      dtypes_[index(r.type)] = storage_[index(r.type)];
    } else if (nb::hasattr(ml_dtypes, r.name)) {
      dtypes_[index(r.type)] = make(ml_dtypes.attr(r.name));
    }
  }
}

const NumPy& NumPy::get() {
  static const auto* numpy = new NumPy;  // lives as long as the process: Python is gone when statics are destroyed
  return *numpy;
}

nb::object NumPy::dtype(DataType type) const {
  const nb::object& found = dtypes_.at(index(type));
  if (found.is_valid()) return found;
  throw Error(ErrorCode::kUnsupported, fmt::format("NumPy has no type {}", row(type).name))
      .with_hint("install ml_dtypes, which has it: pip install ml_dtypes");
}

std::optional<DataType> NumPy::type_of(nb::handle dtype) const {
  for (const Row& r : kRows) {
    const nb::object& known = dtypes_[index(r.type)];
    if (known.is_valid() && known.equal(dtype)) return r.type;
  }
  return std::nullopt;
}

nb::object NumPy::from_storage(nb::object array, DataType type) const {
  return is_foreign(type) ? array.attr("view")(dtype(type)) : std::move(array);
}

nb::object NumPy::to_storage(nb::object array, DataType type) const {
  return is_foreign(type) ? array.attr("view")(storage_[index(type)]) : std::move(array);
}

nb::object NumPy::to_sign_extended(nb::object array, DataType type) const {
  const bool is_narrow = type == DataType::kInt4 || type == DataType::kInt2;
  return is_narrow ? array.attr("astype")(storage_[index(type)]) : to_storage(std::move(array), type);
}

nb::object NumPy::as_array(nb::handle object, std::optional<DataType> type) const {
  const nb::object wanted = type ? dtype(*type) : nb::none();
  return asarray_(object, nb::arg("dtype") = wanted, nb::arg("order") = "C");
}

std::optional<DataType> type_of_format(const char* format, nb::ssize_t item_bytes) {
  if (format == nullptr) return DataType::kUInt8;
  if (*format == '<' || *format == '=' || *format == '@') ++format;
  if (format[0] == 0 || format[1] != 0) return std::nullopt;
  constexpr std::array kSigned = {DataType::kInt8, DataType::kInt16, DataType::kInt32, DataType::kInt64};
  constexpr std::array kUnsigned = {DataType::kUInt8, DataType::kUInt16, DataType::kUInt32, DataType::kUInt64};
  const size_t log2_bytes = item_bytes == 8 ? 3 : item_bytes == 4 ? 2 : item_bytes == 2 ? 1 : 0;
  switch (*format) {
    case 'f':
      return DataType::kFloat32;
    case 'd':
      return DataType::kFloat64;
    case 'e':
      return DataType::kFloat16;
    case '?':
      return DataType::kBool;
    default:
      if (std::strchr("bhilqn", *format) != nullptr) return kSigned[log2_bytes];
      if (std::strchr("BHILQN", *format) != nullptr) return kUnsigned[log2_bytes];
      return std::nullopt;
  }
}

namespace {

using Code = nb::dlpack::dtype_code;
constexpr struct {
  Code code;
  uint8_t bits;
  DataType type;
} kDlpackTypes[] = {{Code::Float, 32, DataType::kFloat32},
                    {Code::Float, 64, DataType::kFloat64},
                    {Code::Float, 16, DataType::kFloat16},
                    {Code::Bfloat, 16, DataType::kBFloat16},
                    {Code::Int, 8, DataType::kInt8},
                    {Code::Int, 16, DataType::kInt16},
                    {Code::Int, 32, DataType::kInt32},
                    {Code::Int, 64, DataType::kInt64},
                    {Code::UInt, 8, DataType::kUInt8},
                    {Code::UInt, 16, DataType::kUInt16},
                    {Code::UInt, 32, DataType::kUInt32},
                    {Code::UInt, 64, DataType::kUInt64},
                    {Code::Bool, 8, DataType::kBool},
                    {Code::Float8_E4M3FN, 8, DataType::kFloat8E4M3FN},
                    {Code::Float8_E5M2, 8, DataType::kFloat8E5M2}};

}  // namespace

std::optional<DataType> type_of_dlpack(nb::dlpack::dtype dtype) {
  for (const auto& row : kDlpackTypes) {
    if (dtype.lanes == 1 && dtype.bits == row.bits && dtype.code == static_cast<uint8_t>(row.code)) return row.type;
  }
  return std::nullopt;
}

std::optional<nb::dlpack::dtype> dlpack_type_of(DataType type) {
  for (const auto& row : kDlpackTypes) {
    if (row.type == type) return nb::dlpack::dtype{static_cast<uint8_t>(row.code), row.bits, 1};
  }
  return std::nullopt;
}

}  // namespace burnish::python
