// Compressed bodies: never more than the limit comes out, and what we compress comes back as it was.
#include <cstdlib>
#include <cstring>

#include "server_http/compression.h"

namespace {

using namespace burnish::server;        // NOLINT
using namespace burnish::server::http;  // NOLINT

constexpr size_t kMaxBytes = size_t{1} << 16;

void require(bool condition) {
  if (!condition) std::abort();
}

std::shared_ptr<Body> body_of(const std::shared_ptr<MemoryBudget>& budget, const void* data, size_t size) {
  const std::shared_ptr<Body> body = Body::create(budget, size, 0);
  require(body != nullptr);
  if (size > 0) std::memcpy(body->data(), data, size);
  body->set_size(size);
  return body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto budget = std::make_shared<MemoryBudget>(4 * kMaxBytes);
  if (size > kMaxBytes) return 0;
  std::shared_ptr<Body> body = body_of(budget, data, size);
  const Status status = inflate_body(body, budget, kMaxBytes, 5);
  require(status.ok() ? body->size() <= kMaxBytes : !status.message.empty());
  body.reset();

  Response response;
  response.text.assign(reinterpret_cast<const char*>(data), size);
  deflate_response(response, size % 2 == 0 ? Coding::kGzip : Coding::kDeflate);
  if (response.coding != Coding::kIdentity) {
    body = body_of(budget, response.text.data(), response.text.size());
    require(inflate_body(body, budget, kMaxBytes + 1, 0).ok());
    require(body->size() == size && std::memcmp(body->data(), data, size) == 0);
    body.reset();
  }
  require(budget->used() == 0);
  return 0;
}
