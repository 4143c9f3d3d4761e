#pragma once
// Tensors in Triton's trace format: their elements as text.
#include <span>
#include <string>
#include <string_view>

#include "server/request.h"

namespace burnish::server {

/// "1,2.5,3"; empty where the elements cannot be read. The bytes need not fit any shape.
std::string elements_text(DataType dtype, const Bytes& data);

/// One tensor of a trace. elements: as elements_text().
struct TensorRecord {
  uint64_t id = 0;
  std::string_view activity, name, datatype;
  std::span<const int64_t> shape;
  std::string_view elements;
};
/// Behind other records, as `,\n{…}`.
void append_record(const TensorRecord& record, std::string& out);

}  // namespace burnish::server
