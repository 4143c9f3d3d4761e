// What the gRPC server reads of any bytes: inference requests and the requests of every other method.
#include "base/error.h"
#include "server_grpc/infer_request.h"
#include "server_grpc/methods.h"
#include "server_support/fake_server.h"

namespace {

using namespace burnish::server;

void expect_callers_fault(const burnish::Error& e) {
  if (e.code() == burnish::ErrorCode::kInternal) throw e;  // a broken invariant of ours is a finding
}

void read_as_inference(InferenceServer& server, const Bytes& message) {
  DecodedRequest decoded;
  try {
    decode_infer_request(message, decoded);
    (void)bind_shared_memory(server, decoded);
  } catch (const burnish::Error& e) {
    expect_callers_fault(e);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  testing::FakeServer server;
  const auto owner = std::make_shared<std::string>(reinterpret_cast<const char*>(data), size);
  read_as_inference(server, {reinterpret_cast<const std::byte*>(owner->data()), size, owner});
  for (const Method& method : methods()) {
    std::string response;
    try {
      (void)method.call(server, *owner, response);
    } catch (const burnish::Error& e) {
      expect_callers_fault(e);
    }
  }
  return 0;
}
