// Inferences over a socket, one by one and in streams.
#include <random>

#include "server_grpc/server_case.h"

namespace burnish::server {
namespace {

using namespace std::chrono_literals;
using testing::GrpcServerTest;
using ::testing::HasSubstr;
using testing::infer_request;

TEST_F(GrpcServerTest, InferenceReturnsWhatItGot) {
  std::vector<float> values(100000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const auto response = ask<inference::ModelInferResponse>("ModelInfer", infer_request("identity", values, "id-1"));
  EXPECT_EQ(response.model_name(), "identity");
  EXPECT_EQ(response.model_version(), "1");
  EXPECT_EQ(response.id(), "id-1");
  EXPECT_EQ(response.outputs(0).shape(1), 100000);
  EXPECT_EQ(response.raw_output_contents(0), testing::raw(values));
}

TEST_F(GrpcServerTest, AnswersFromOtherThreads) {
  served.fake.delay = 1ms;
  const auto response = ask<inference::ModelInferResponse>("ModelInfer", infer_request("delayed", {1, 2}));
  EXPECT_EQ(response.raw_output_contents(0), testing::raw({1, 2}));
}

TEST_F(GrpcServerTest, ErrorsKeepTheirWords) {
  inference::ModelInferResponse response;
  ::grpc::Status status = client.call("ModelInfer", infer_request("broken", {1}), response);
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("the queue is full (8 requests)"));
  status = client.call("ModelInfer", infer_request("no such", {1}), response);
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::NOT_FOUND);
  status = client.call("ModelInfer", infer_request(std::string(100000, 'x'), {1}), response);
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::NOT_FOUND);
  EXPECT_LT(status.error_message().size(), 2000) << "else it would not fit the client's limit";
  inference::ServerLiveRequest anything;
  status = client.call("NoSuchMethod", anything, response);
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(GrpcServerTest, MalformedRequestsNameTheField) {
  // A request whose id is the number 5, and a config request whose name is not text.
  inference::StatisticDuration number;
  number.set_count(5);
  inference::ModelInferResponse response;
  ::grpc::Status status = client.call("ModelInfer", number, response);
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("'model_name'"));
  status = client.call("ModelConfig", number, response);
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("ModelConfigRequest: field 'name'"));
}

/// Of ten thousand mutated requests over the wire each is answered, and never with a fault of the server's.
TEST_F(GrpcServerTest, TenThousandMutationsAreAnswered) {
  std::mt19937 random(11);
  const std::string good = infer_request("identity", {1, 2, 3, 4}, "id").SerializeAsString();
  size_t refused = 0;
  for (int i = 0; i < 10000; ++i) {
    std::string bytes = good;
    for (unsigned n = random() % 3 + 1; n > 0; --n) bytes[random() % bytes.size()] = static_cast<char>(random());
    const ::grpc::Slice slice(bytes);
    const ::grpc::ByteBuffer request(&slice, 1);
    ::grpc::ByteBuffer response;
    const ::grpc::Status status = client.call("ModelInfer", request, response);
    if (status.ok()) continue;
    ++refused;
    ASSERT_TRUE(status.error_code() == ::grpc::StatusCode::INVALID_ARGUMENT ||
                status.error_code() == ::grpc::StatusCode::NOT_FOUND)
        << status.error_code() << ": " << status.error_message();
    ASSERT_THAT(status.error_message(), ::testing::AnyOf(HasSubstr("field"), HasSubstr("input"), HasSubstr("model")));
  }
  EXPECT_GT(refused, 1000);
}

TEST_F(GrpcServerTest, DeadlinesAndCancellationArePassedOn) {
  served.fake.delay = 300ms;
  inference::ModelInferResponse response;
  const auto before = Clock::now();
  const ::grpc::Status status = client.call(
      "ModelInfer", infer_request("delayed", {1}), response,
      [](::grpc::ClientContext& context) { context.set_deadline(std::chrono::system_clock::now() + 50ms); });
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::DEADLINE_EXCEEDED);
  const InferRequest seen = served.fake.last_request();
  EXPECT_GT(seen.deadline, before);
  EXPECT_LT(seen.deadline, before + 10s);
  for (int i = 0; i < 1000 && !seen.cancelled->load(); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(seen.cancelled->load());
}

TEST_F(GrpcServerTest, StreamsAnswerInOrder) {
  served.fake.delay = 5ms;
  ::grpc::ClientContext context;
  const auto stream = client.stream(context);
  for (int i = 0; i < 200; ++i) {
    const char* model = i % 3 == 0 ? "delayed" : i % 3 == 1 ? "identity" : "broken";
    ASSERT_TRUE(stream->Write(infer_request(model, {static_cast<float>(i)}, std::to_string(i))));
  }
  stream->WritesDone();
  inference::ModelStreamInferResponse response;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.infer_response().id(), std::to_string(i));
    EXPECT_EQ(response.error_message().empty(), i % 3 != 2);
  }
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(GrpcServerTest, StreamsOutliveMalformedRequests) {
  ::grpc::ClientContext context;
  const auto stream = client.stream(context);
  inference::ModelInferRequest request = infer_request("identity", {1});
  request.mutable_inputs(0)->set_datatype("FP17");
  inference::ModelStreamInferResponse response;
  ASSERT_TRUE(stream->Write(request) && stream->Read(&response));
  EXPECT_THAT(response.error_message(), HasSubstr("'FP17'"));
  request = infer_request("identity", {1});
  (*request.mutable_parameters())["triton_enable_empty_final_response"].set_bool_param(true);
  ASSERT_TRUE(stream->Write(request) && stream->Read(&response));
  EXPECT_EQ(response.error_message(), "");
  EXPECT_TRUE(response.infer_response().parameters().at("triton_final_response").bool_param());
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(GrpcServerTest, StreamsEndWithTheErrorIfAsked) {
  ::grpc::ClientContext context;
  context.AddMetadata("triton_grpc_error", "true");
  const auto stream = client.stream(context);
  inference::ModelStreamInferResponse response;
  ASSERT_TRUE(stream->Write(infer_request("identity", {1})) && stream->Read(&response));
  ASSERT_TRUE(stream->Write(infer_request("broken", {1})));
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), ::grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(GrpcServerTest, StreamsThatAreLeftEnd) {
  served.fake.delay = 20ms;
  for (int i = 0; i < 20; ++i) {
    ::grpc::ClientContext context;
    const auto stream = client.stream(context);
    for (int k = 0; k < 5; ++k) stream->Write(infer_request("delayed", {1}));
    context.TryCancel();
    stream->Finish();
  }
  served.grpc.stop(Clock::now() + 30s);  // returns when all calls have ended
}

}  // namespace
}  // namespace burnish::server
