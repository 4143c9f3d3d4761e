// What the server refuses because it is too much.
#include <thread>

#include "server_grpc/server_case.h"

namespace burnish::server {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using ::testing::HasSubstr;
using testing::infer_request;
using testing::Served;

TEST(GrpcServer, LargeMessagesAreRefused) {
  GrpcOptions options;
  options.max_message_bytes = 10000;
  Served served(options);
  Client client(served.grpc.port());
  inference::ModelInferResponse response;
  EXPECT_TRUE(client.call("ModelInfer", infer_request("identity", std::vector<float>(2000)), response).ok());
  const auto large = infer_request("identity", std::vector<float>(3000));
  EXPECT_EQ(client.call("ModelInfer", large, response).error_code(), ::grpc::StatusCode::RESOURCE_EXHAUSTED);
  const auto zipped = [](::grpc::ClientContext& c) { c.set_compression_algorithm(GRPC_COMPRESS_GZIP); };
  EXPECT_EQ(client.call("ModelInfer", large, response, zipped).error_code(), ::grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(client.call("ModelInfer", infer_request("identity", {1}), response, zipped).ok());
}

TEST(GrpcServer, TooManyRequestsAreRefused) {
  GrpcOptions options;
  options.max_requests_in_flight = 1;
  Served served(options);
  served.fake.delay = 200ms;
  Client client(served.grpc.port());
  inference::ModelInferResponse response;
  std::thread first([&] {
    inference::ModelInferResponse answer;
    EXPECT_TRUE(client.call("ModelInfer", infer_request("delayed", {1}), answer).ok());
  });
  while (served.fake.num_requests() == 0) std::this_thread::yield();
  const ::grpc::Status status = client.call("ModelInfer", infer_request("identity", {1}), response);
  first.join();
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("1 requests are in flight"));
  // There is room again, once the server has cleared up behind the answer.
  const Clock::time_point end = Clock::now() + 20s;
  ::grpc::Status again;
  do {
    again = client.call("ModelInfer", infer_request("identity", {1}), response);
  } while (again.error_code() == ::grpc::StatusCode::RESOURCE_EXHAUSTED && Clock::now() < end);
  EXPECT_TRUE(again.ok()) << again.error_message();
}

TEST(GrpcServer, TheServersBoundOnTime) {
  GrpcOptions options;
  options.max_request_time = 1000s;
  Served served(options);
  Client client(served.grpc.port());
  inference::ModelInferResponse response;
  const auto without = [](::grpc::ClientContext& c) { c.set_deadline(std::chrono::system_clock::time_point::max()); };
  ASSERT_TRUE(client.call("ModelInfer", infer_request("identity", {1}), response, without).ok());
  EXPECT_LT(served.fake.last_request().deadline, Clock::now() + 1001s);
}

}  // namespace
}  // namespace burnish::server
