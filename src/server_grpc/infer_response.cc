#include "server_grpc/infer_response.h"

#include "server/inference_server.h"

namespace burnish::server {
namespace {

using wire::Message;

constexpr uint32_t kParameters = 4, kRawOutputContents = 6;  // of ModelInferResponse

/// Text tensors travel as lengths of four bytes, each followed by its text.
Bytes encode_texts(const std::vector<std::string>& texts) {
  auto bytes = std::make_shared<std::string>();
  for (const std::string& text : texts) {
    const auto size = static_cast<uint32_t>(text.size());
    bytes->append(reinterpret_cast<const char*>(&size), sizeof(size));
    bytes->append(text);
  }
  return {reinterpret_cast<const std::byte*>(bytes->data()), bytes->size(), bytes};
}

void add_output(const OutputTensor& output, Message& message) {
  message.add_message(5, [&] {
    message.add_text(1, output.name);
    message.add_text(2, output.classes.empty() ? kserve_name(output.dtype) : "BYTES");
    message.add_packed(3, output.shape);
    if (output.shared_bytes == 0) return;
    message.add_message(kParameters, [&] {
      message.add_text(1, "shared_memory_byte_size");
      message.add_message(2, [&] { message.add_varint(2, output.shared_bytes); });
    });
  });
}

}  // namespace

Message encode_infer_response(const InferResponse& response, bool final_response) {
  Message message;
  message.add_text(1, response.model);
  message.add_text(2, response.version);
  message.add_text(3, response.id);
  if (final_response) {
    message.add_message(kParameters, [&] {
      message.add_text(1, "triton_final_response");
      message.add_message(2, [&] { message.add_varint(1, 1); });
    });
  }
  for (const OutputTensor& output : response.outputs) add_output(output, message);
  // Clients find an output's bytes by its place in the list: shared ones have an empty entry.
  for (const OutputTensor& output : response.outputs) {
    message.add_splice(kRawOutputContents, output.classes.empty() ? output.data : encode_texts(output.classes));
  }
  return message;
}

Message encode_stream_response(const InferResponse& response, bool final_response) {
  if (response.status.ok()) {
    Message message = encode_infer_response(response, final_response);
    message.wrap(2);
    return message;
  }
  Message message;
  message.add_text(1, response.status.message);
  message.add_message(2, [&] { message.add_text(3, response.id); });
  return message;
}

}  // namespace burnish::server
