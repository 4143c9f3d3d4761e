#include <array>

#include "server/inference_server.h"

namespace burnish::server {
namespace {

struct Row {
  DataType dtype;
  std::string_view name;
  size_t bytes;
};

// KServe's names; 8-bit floats and packed types have none there.
constexpr std::array<Row, 13> kRows = {{{DataType::kFloat32, "FP32", 4},
                                        {DataType::kFloat64, "FP64", 8},
                                        {DataType::kFloat16, "FP16", 2},
                                        {DataType::kBFloat16, "BF16", 2},
                                        {DataType::kInt8, "INT8", 1},
                                        {DataType::kInt16, "INT16", 2},
                                        {DataType::kInt32, "INT32", 4},
                                        {DataType::kInt64, "INT64", 8},
                                        {DataType::kUInt8, "UINT8", 1},
                                        {DataType::kUInt16, "UINT16", 2},
                                        {DataType::kUInt32, "UINT32", 4},
                                        {DataType::kUInt64, "UINT64", 8},
                                        {DataType::kBool, "BOOL", 1}}};

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
  for (const Row& row : kRows) {
    if (row.dtype == dtype) return row.bytes;
  }
  return 0;
}

}  // namespace burnish::server
