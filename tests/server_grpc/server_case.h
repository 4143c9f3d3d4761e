#pragma once
// A gRPC server on a free port in front of the fake, and clients of protobuf's own messages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server_grpc/client.h"
#include "server_grpc/grpc_server.h"
#include "server_grpc/requests.h"
#include "server_support/fake_server.h"

namespace burnish::server::testing {

struct Served {
  explicit Served(GrpcOptions options = {}) : grpc(fake, with_free_port(std::move(options))) { grpc.start(); }
  static GrpcOptions with_free_port(GrpcOptions options) {
    options.port = 0;
    return options;
  }
  FakeServer fake;
  GrpcServer grpc;
};

struct GrpcServerTest : ::testing::Test {
  Served served;
  Client client{served.grpc.port()};

  /// The status of a call, with Request/Response named by the method.
  template <typename Response, typename Request>
  Response ask(const std::string& method, const Request& request) {
    Response response;
    const ::grpc::Status status = client.call(method, request, response);
    EXPECT_TRUE(status.ok()) << method << ": " << status.error_message();
    return response;
  }
};

}  // namespace burnish::server::testing
