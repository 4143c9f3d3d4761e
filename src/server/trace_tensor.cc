#include "server/trace_tensor.h"

#include "ops/elements.h"
#include "runtime/engine_impl.h"
#include "server/gpu_copy.h"
#include "server/inference_server.h"
#include "server/json_text.h"

namespace burnish::server {
namespace {

template <typename T>
std::string text_of(const TensorView& view) {
  std::vector<T> values(static_cast<size_t>(view.num_elements()));
  load_elements<T>(view, values.data());
  return fmt::format("{}", fmt::join(values, ","));
}

}  // namespace

std::string elements_text(DataType dtype, const Bytes& data) {
  const size_t size = element_bytes(dtype);
  if (size == 0 || data.size < size) return {};
  try {
    std::shared_ptr<void> copy;
    const auto count = static_cast<int64_t>(data.size / size);
    const DType type = dtype_of(dtype);
    const TensorView view{type, Shape{count}, const_cast<std::byte*>(on_host(data, copy))};
    if (type == DType::kFloat64) return text_of<double>(view);
    if (is_floating(type)) return text_of<float>(view);
    return type == DType::kUInt64 ? text_of<uint64_t>(view) : text_of<int64_t>(view);
  } catch (const std::exception&) {  // a GPU's memory that has gone: the request itself will say so
    return {};
  }
}

void append_record(const TensorRecord& record, std::string& out) {
  out += fmt::format(",\n{{\"id\":{},\"activity\":\"{}\",\"tensor\":{{\"name\":", record.id, record.activity);
  append_json_text(record.name, out);
  out += ",\"data\":";
  append_json_text(record.elements, out);
  out += fmt::format(",\"shape\":\"{}\",\"dtype\":\"{}\"}}}}", fmt::join(record.shape, ","), record.datatype);
}

}  // namespace burnish::server
