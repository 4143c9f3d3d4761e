#include "server_http/infer_encoder.h"

#include <cstring>

#include "server/inference_server.h"
#include "server_http/json_tensor.h"
#include "server_http/json_writer.h"

namespace burnish::server::http {
namespace {

// Triton's BYTES: each string behind its length in four bytes, little-endian.
Bytes packed_strings(const std::vector<std::string>& strings) {
  auto memory = std::make_shared<std::string>();
  for (const std::string& text : strings) {
    const auto length = static_cast<uint32_t>(text.size());
    char bytes[sizeof length];
    std::memcpy(bytes, &length, sizeof length);
    memory->append(bytes, sizeof bytes).append(text);
  }
  return {reinterpret_cast<const std::byte*>(memory->data()), memory->size(), memory};
}

void write_output(JsonWriter& json, std::string& text, OutputTensor& output, bool binary_by_default,
                  Response& response) {
  const bool is_classes = !output.classes.empty();
  json.begin_object().field("name", output.name);
  json.field("datatype", is_classes ? "BYTES" : kserve_name(output.dtype)).key("shape").numbers(output.shape);
  if (output.shared_bytes > 0) {
    // Neither data nor parameters: clients take any "parameters" for those of binary data.
  } else if (output.binary || binary_by_default) {
    Bytes bytes = is_classes ? packed_strings(output.classes) : std::move(output.data);
    json.key("parameters").begin_object().field("binary_data_size", bytes.size).end_object();
    response.tensors.push_back(std::move(bytes));
  } else if (is_classes) {
    json.key("data").strings(output.classes);
  } else {
    json.key("data").raw("");
    append_json_tensor(text, output.dtype, {output.data.data, output.data.size});
  }
  json.end_object();
}

}  // namespace

Response encode_infer_response(InferResponse&& answer, bool binary_by_default) {
  if (!answer.status.ok()) return error_response(answer.status);
  Response response;
  response.text.reserve(256);
  JsonWriter json(response.text);
  json.begin_object();
  if (!answer.id.empty()) json.field("id", answer.id);
  json.field("model_name", answer.model).field("model_version", answer.version).key("outputs").begin_array();
  for (OutputTensor& output : answer.outputs) write_output(json, response.text, output, binary_by_default, response);
  json.end_array().end_object();
  if (!response.tensors.empty()) {
    response.json_length = response.text.size();
    response.content_type = "application/octet-stream";
  }
  return response;
}

}  // namespace burnish::server::http
