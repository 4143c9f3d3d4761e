#include "server_grpc/infer_contents.h"

#include <array>
#include <utility>

#include "base/error.h"
#include "server/inference_server.h"
#include "server_grpc/wire.h"

namespace burnish::server {
namespace {

using wire::Field;

constexpr std::array<std::string_view, 9> kFieldNames = {"",
                                                         "bool_contents",
                                                         "int_contents",
                                                         "int64_contents",
                                                         "uint_contents",
                                                         "uint64_contents",
                                                         "fp32_contents",
                                                         "fp64_contents",
                                                         "bytes_contents"};

template <typename T>
void append(T value, std::vector<std::byte>& out) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof(T));
}

/// Of a field whose elements are `Wide` on the wire and T in memory.
template <typename T, typename Wide>
void integers(const Field& field, std::vector<std::byte>& out) {
  const std::string_view name = kFieldNames[field.number];
  wire::each_varint(field, name, [&](uint64_t bits) {
    const auto value = static_cast<Wide>(bits);
    check(std::in_range<T>(value), ErrorCode::kInvalidArgument, "{}: {} is out of the datatype's range", name, value);
    append(static_cast<T>(value), out);
  });
}

void bools(const Field& field, std::vector<std::byte>& out) {
  wire::each_varint(field, kFieldNames[field.number], [&](uint64_t bits) { out.push_back(std::byte{bits != 0}); });
}

template <typename T>
void floats(const Field& field, std::vector<std::byte>& out) {
  wire::each_fixed<T>(field, kFieldNames[field.number], [&](T value) { append(value, out); });
}

struct Row {
  DataType dtype;
  uint32_t number;  // of the field that carries it
  void (*decode)(const Field& field, std::vector<std::byte>& out);
};

constexpr std::array<Row, 11> kRows = {{{DataType::kBool, 1, bools},
                                        {DataType::kInt8, 2, integers<int8_t, int32_t>},
                                        {DataType::kInt16, 2, integers<int16_t, int32_t>},
                                        {DataType::kInt32, 2, integers<int32_t, int32_t>},
                                        {DataType::kInt64, 3, integers<int64_t, int64_t>},
                                        {DataType::kUInt8, 4, integers<uint8_t, uint32_t>},
                                        {DataType::kUInt16, 4, integers<uint16_t, uint32_t>},
                                        {DataType::kUInt32, 4, integers<uint32_t, uint32_t>},
                                        {DataType::kUInt64, 5, integers<uint64_t, uint64_t>},
                                        {DataType::kFloat32, 6, floats<float>},
                                        {DataType::kFloat64, 7, floats<double>}}};

const Row& row_of(DataType dtype) {
  for (const Row& row : kRows) {
    if (row.dtype == dtype) return row;
  }
  throw_error(ErrorCode::kInvalidArgument, "contents has no field for datatype {}: send it in raw_input_contents",
              kserve_name(dtype));
}

}  // namespace

void decode_infer_contents(std::string_view message, DataType dtype, std::vector<std::byte>& out) {
  const Row& row = row_of(dtype);
  Field field;
  for (wire::Reader reader(message); reader.next(field);) {
    if (field.number == 0 || field.number >= kFieldNames.size()) continue;
    check(field.number == row.number, ErrorCode::kInvalidArgument, "datatype {} belongs into {}, not into {}",
          kserve_name(dtype), kFieldNames[row.number], kFieldNames[field.number]);
    row.decode(field, out);
  }
}

}  // namespace burnish::server
