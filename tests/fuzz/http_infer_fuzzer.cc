// An inference's body: what is accepted can be answered, and the answer encoded; what is refused is refused with a
// reason. The first two bytes choose Inference-Header-Content-Length.
#include <cstdlib>
#include <cstring>

#include "server_http/infer_decoder.h"
#include "server_http/infer_encoder.h"
#include "server_support/fake_server.h"

namespace {

using namespace burnish::server;        // NOLINT
using namespace burnish::server::http;  // NOLINT

constexpr size_t kBudget = size_t{1} << 20, kMaxJson = size_t{1} << 16;

void require(bool condition) {
  if (!condition) std::abort();
}

std::optional<uint64_t> json_length(uint8_t low, uint8_t high) {
  const int value = low | high << 8;
  if (value == 0xffff) return std::nullopt;
  return value;
}

void decode_and_answer(const uint8_t* data, size_t size, std::optional<uint64_t> length) {
  static testing::FakeServer fake;
  static const auto budget = std::make_shared<MemoryBudget>(kBudget);
  static InferDecoder decoder(fake, budget, kMaxJson);
  static const Status registered = fake.register_shared_memory({"r", "/r", 0, 64});
  const std::shared_ptr<Body> body = Body::create(budget, size, length.value_or(0));
  if (!body) return;
  if (size > 0) std::memcpy(body->data(), data, size);
  body->set_size(size);
  InferRequest request;
  request.model = "identity";
  bool binary = false;
  const Status status = decoder.decode(body, length, request, binary);
  require(status.ok() || !status.message.empty());
  if (!status.ok()) return;
  for (const InputTensor& input : request.inputs) require(input.data.owner || input.data.size == 0);
  fake.infer(std::move(request), [&](InferResponse&& answer) {
    const Response response = encode_infer_response(std::move(answer), binary);
    require(response.body_bytes() > 0);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size >= 2) decode_and_answer(data + 2, size - 2, json_length(data[0], data[1]));
  return 0;
}
