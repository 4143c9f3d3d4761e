#include <array>

#include "runtime/engine_impl.h"
#include "server/inference_server.h"

namespace burnish::server {
namespace {

struct Row {
  DataType dtype;
  std::string_view name;
};

// KServe's names; 8-bit floats and packed types have none there.
constexpr std::array<Row, 13> kRows = {{{DataType::kFloat32, "FP32"},
                                        {DataType::kFloat64, "FP64"},
                                        {DataType::kFloat16, "FP16"},
                                        {DataType::kBFloat16, "BF16"},
                                        {DataType::kInt8, "INT8"},
                                        {DataType::kInt16, "INT16"},
                                        {DataType::kInt32, "INT32"},
                                        {DataType::kInt64, "INT64"},
                                        {DataType::kUInt8, "UINT8"},
                                        {DataType::kUInt16, "UINT16"},
                                        {DataType::kUInt32, "UINT32"},
                                        {DataType::kUInt64, "UINT64"},
                                        {DataType::kBool, "BOOL"}}};

}  // namespace

std::string_view kserve_name(DataType dtype) {
  for (const Row& row : kRows) {
    if (row.dtype == dtype) return row.name;
  }
  return {};
}

bool parse_kserve_name(std::string_view name, DataType& dtype) {
  for (const Row& row : kRows) {
    if (row.name != name) continue;
    dtype = row.dtype;
    return true;
  }
  return false;
}

size_t element_bytes(DataType dtype) {
  return kserve_name(dtype).empty() ? 0 : size_of(dtype_of(dtype));
}

}  // namespace burnish::server
