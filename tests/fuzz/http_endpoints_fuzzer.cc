// The body of every endpoint but inference's: 200, or a 4xx with a reason (501 for what is known and not supported).
// The first byte chooses the endpoint.
#include <cstdlib>
#include <cstring>

#include "server_http/endpoints.h"
#include "server_support/fake_server.h"

namespace {

using namespace burnish::server;        // NOLINT
using namespace burnish::server::http;  // NOLINT

constexpr Endpoint kWithBody[] = {Endpoint::kRepositoryIndex,
                                  Endpoint::kRepositoryLoad,
                                  Endpoint::kRepositoryUnload,
                                  Endpoint::kTraceSetting,
                                  Endpoint::kLogSetting,
                                  Endpoint::kSharedMemoryRegister,
                                  Endpoint::kSharedMemoryUnregister,
                                  Endpoint::kCudaSharedMemoryRegister};

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static const auto budget = std::make_shared<MemoryBudget>(size_t{1} << 24);
  static testing::FakeServer fake;
  Route route;
  route.endpoint = kWithBody[data[0] % std::size(kWithBody)];
  route.model = "identity";
  route.region = "r";
  // Regions stay small, whatever the body says.
  if (route.endpoint == Endpoint::kSharedMemoryRegister && size > 64) return 0;
  const std::shared_ptr<Body> body = Body::create(budget, size - 1, 0);
  if (!body) return 0;
  if (size > 1) std::memcpy(body->data(), data + 1, size - 1);
  body->set_size(size - 1);
  const Response response = answer(fake, route, Method::kPost, body.get());
  require(response.status == 200 || response.status == 501 || (response.status >= 400 && response.status < 500));
  require(response.status == 200 || !response.text.empty());
  return 0;
}
