// The server over a socket, asked by protobuf's own messages.
#include "server_grpc/grpc_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "base/file.h"
#include "client.h"
#include "requests.h"
#include "server_support/certificate.h"
#include "server_support/fake_server.h"

namespace burnish::server {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using ::testing::HasSubstr;
using testing::infer_request;

struct Served {
  explicit Served(GrpcOptions options = {}) : grpc(fake, with_free_port(std::move(options))) { grpc.start(); }
  static GrpcOptions with_free_port(GrpcOptions options) {
    options.port = 0;
    return options;
  }
  testing::FakeServer fake;
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

TEST_F(GrpcServerTest, HealthTellsTheTruth) {
  using namespace inference;
  EXPECT_TRUE(ask<ServerLiveResponse>("ServerLive", ServerLiveRequest()).live());
  EXPECT_TRUE(ask<ServerReadyResponse>("ServerReady", ServerReadyRequest()).ready());
  served.fake.ready = false;
  EXPECT_FALSE(ask<ServerReadyResponse>("ServerReady", ServerReadyRequest()).ready());
  ModelReadyRequest request;
  request.set_name("identity");
  EXPECT_TRUE(ask<ModelReadyResponse>("ModelReady", request).ready());
  request.set_version("9");
  EXPECT_FALSE(ask<ModelReadyResponse>("ModelReady", request).ready());
}

/// grpc.health.v1's messages have the wire form of these.
TEST_F(GrpcServerTest, GrpcsOwnHealthChecks) {
  inference::ServerMetadataResponse request;  // field 1: text
  inference::StatisticDuration response;      // field 1: an integer
  const std::string check = "/grpc.health.v1.Health/Check";
  ASSERT_TRUE(client.call(check, request, response).ok());
  EXPECT_EQ(response.count(), 1);
  served.fake.ready = false;
  request.set_name("inference.GRPCInferenceService");
  ASSERT_TRUE(client.call(check, request, response).ok());
  EXPECT_EQ(response.count(), 2);
  request.set_name("somebody else");
  EXPECT_EQ(client.call(check, request, response).error_code(), ::grpc::StatusCode::NOT_FOUND);
}

TEST_F(GrpcServerTest, MetadataOfServerAndModel) {
  using namespace inference;
  const auto server = ask<ServerMetadataResponse>("ServerMetadata", ServerMetadataRequest());
  EXPECT_EQ(server.name(), "burnish");
  EXPECT_EQ(server.extensions(1), "classification");
  ModelMetadataRequest request;
  request.set_name("identity");
  const auto model = ask<ModelMetadataResponse>("ModelMetadata", request);
  EXPECT_EQ(model.versions(0), "1");
  EXPECT_EQ(model.inputs(0).datatype(), "FP32");
  EXPECT_EQ(model.outputs(0).shape(1), 16);
}

TEST_F(GrpcServerTest, ConfigurationsOfJson) {
  served.fake.config_json = R"({"name":"identity","max_batch_size":8,"input":[{"name":"x","data_type":"TYPE_FP32",
      "dims":[-1,16]}],"dynamic_batching":{"max_queue_delay_microseconds":100},"parameters":{"threads":{"string_value":
      "2"}},"of_a_later_version":1})";
  inference::ModelConfigRequest request;
  request.set_name("identity");
  const auto config = ask<inference::ModelConfigResponse>("ModelConfig", request).config();
  EXPECT_EQ(config.max_batch_size(), 8);
  EXPECT_EQ(config.input(0).data_type(), inference::TYPE_FP32);
  EXPECT_EQ(config.input(0).dims(0), -1);
  EXPECT_EQ(config.dynamic_batching().max_queue_delay_microseconds(), 100);
  EXPECT_EQ(config.parameters().at("threads").string_value(), "2");
}

TEST_F(GrpcServerTest, StatisticsWithBatches) {
  const auto all = ask<inference::ModelStatisticsResponse>("ModelStatistics", inference::ModelStatisticsRequest());
  ASSERT_EQ(all.model_stats_size(), 1);
  const inference::ModelStatistics& model = all.model_stats(0);
  EXPECT_EQ(model.inference_count(), 7);
  EXPECT_EQ(model.execution_count(), 3);
  EXPECT_EQ(model.inference_stats().success().ns(), 7000);
  EXPECT_EQ(model.batch_stats(0).batch_size(), 2);
  EXPECT_EQ(model.batch_stats(0).compute_output().ns(), 33);
}

TEST_F(GrpcServerTest, TheRepositoryLoadsAndUnloads) {
  using namespace inference;
  RepositoryIndexRequest ready;
  ready.set_ready(true);
  EXPECT_EQ(ask<RepositoryIndexResponse>("RepositoryIndex", ready).models_size(), 1);
  const auto all = ask<RepositoryIndexResponse>("RepositoryIndex", RepositoryIndexRequest());
  EXPECT_EQ(all.models(1).reason(), "unloaded");

  RepositoryModelLoadRequest load;
  load.set_model_name("identity");
  (*load.mutable_parameters())["config"].set_string_param("{}");
  ask<RepositoryModelLoadResponse>("RepositoryModelLoad", load);
  RepositoryModelUnloadRequest unload;
  unload.set_model_name("identity");
  (*unload.mutable_parameters())["unload_dependents"].set_bool_param(true);
  ask<RepositoryModelUnloadResponse>("RepositoryModelUnload", unload);
  EXPECT_THAT(served.fake.calls(), ::testing::ElementsAre("load identity {}", "unload identity with dependents"));

  RepositoryModelLoadResponse none;
  (*load.mutable_parameters())["file:1/model.onnx"].set_bytes_param("x");
  const ::grpc::Status status = client.call("RepositoryModelLoad", load, none);
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_THAT(status.error_message(), HasSubstr("file:1/model.onnx"));
}

TEST_F(GrpcServerTest, SettingsKeepTheirTypes) {
  using namespace inference;
  const auto log = ask<LogSettingsResponse>("LogSettings", LogSettingsRequest());
  EXPECT_TRUE(log.settings().at("log_info").bool_param());
  EXPECT_EQ(log.settings().at("log_verbose_level").uint32_param(), 0);
  EXPECT_EQ(log.settings().at("log_format").string_param(), "default");
  TraceSettingRequest change;
  change.set_model_name("identity");
  (*change.mutable_settings())["trace_level"].add_value("TIMESTAMPS");
  const auto trace = ask<TraceSettingResponse>("TraceSetting", change);
  EXPECT_EQ(trace.settings().at("trace_level").value(0), "TIMESTAMPS");
  EXPECT_EQ(trace.settings().at("trace_rate").value(0), "1000");
}

TEST_F(GrpcServerTest, SharedMemoryFromRegistrationToAnswer) {
  using namespace inference;
  for (const char* name : {"in", "out"}) {
    SystemSharedMemoryRegisterRequest region;
    region.set_name(name);
    region.set_byte_size(64);
    ask<SystemSharedMemoryRegisterResponse>("SystemSharedMemoryRegister", region);
  }
  const auto regions =
      ask<SystemSharedMemoryStatusResponse>("SystemSharedMemoryStatus", SystemSharedMemoryStatusRequest());
  EXPECT_EQ(regions.regions().at("out").byte_size(), 64);

  SharedBytes in, out;
  ASSERT_TRUE(served.fake.shared_memory("in", 0, 64, in).ok());
  ASSERT_TRUE(served.fake.shared_memory("out", 0, 64, out).ok());
  std::fill(in.data, in.data + 64, std::byte{7});
  ModelInferRequest request = infer_request("identity", {});
  request.clear_raw_input_contents();
  const auto place = [](auto& tensor, const char* region) {
    (*tensor.mutable_parameters())["shared_memory_region"].set_string_param(region);
    (*tensor.mutable_parameters())["shared_memory_byte_size"].set_int64_param(64);
  };
  place(*request.mutable_inputs(0), "in");
  request.add_outputs()->set_name("OUTPUT0");
  place(*request.mutable_outputs(0), "out");
  const auto response = ask<ModelInferResponse>("ModelInfer", request);
  EXPECT_EQ(response.raw_output_contents(0), "");
  EXPECT_EQ(out.data[63], std::byte{7});

  ask<SystemSharedMemoryUnregisterResponse>("SystemSharedMemoryUnregister", SystemSharedMemoryUnregisterRequest());
  ModelInferResponse none;
  EXPECT_EQ(client.call("ModelInfer", request, none).error_code(), ::grpc::StatusCode::NOT_FOUND);
}

TEST_F(GrpcServerTest, CudaMemory) {
  using namespace inference;
  CudaSharedMemoryRegisterRequest request;
  request.set_name("gpu");
  request.set_raw_handle(std::string(64, 'h'));
  request.set_device_id(3);
  request.set_byte_size(128);
  ask<CudaSharedMemoryRegisterResponse>("CudaSharedMemoryRegister", request);
  std::vector<CudaMemoryRegion> registered;
  ASSERT_TRUE(served.fake.cuda_memory_status("gpu", registered).ok());
  EXPECT_EQ(registered[0].handle, request.raw_handle());
  const auto status = ask<CudaSharedMemoryStatusResponse>("CudaSharedMemoryStatus", CudaSharedMemoryStatusRequest());
  EXPECT_EQ(status.regions().at("gpu").device_id(), 3U);
  EXPECT_EQ(status.regions().at("gpu").byte_size(), 128U);
  ask<CudaSharedMemoryUnregisterResponse>("CudaSharedMemoryUnregister", CudaSharedMemoryUnregisterRequest());
  registered.clear();
  EXPECT_FALSE(served.fake.cuda_memory_status("gpu", registered).ok());
}

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

TEST_F(GrpcServerTest, AccessLog) {
  ask<inference::ModelInferResponse>("ModelInfer", infer_request("identity", {1}, "7"));
  inference::ModelInferResponse response;
  client.call("ModelInfer", infer_request("broken", {1}, "8"), response);
  EXPECT_THAT(served.fake.access_log(),
              ::testing::ElementsAre("grpc POST /inference.GRPCInferenceService/ModelInfer identity 7 0",
                                     "grpc POST /inference.GRPCInferenceService/ModelInfer broken 8 8"));
}

TEST_F(GrpcServerTest, StoppingWaitsForWhatRuns) {
  served.fake.delay = 200ms;
  std::thread caller([&] {
    const auto response = ask<inference::ModelInferResponse>("ModelInfer", infer_request("delayed", {3}));
    EXPECT_EQ(response.raw_output_contents(0), testing::raw({3}));
  });
  while (served.fake.num_requests() == 0) std::this_thread::yield();
  served.grpc.stop(Clock::now() + 60s);
  caller.join();
}

TEST(GrpcServer, StoppingBreaksOffAtTheDeadline) {
  Served served;
  served.fake.delay = 500ms;
  Client client(served.grpc.port());
  std::thread caller([&] {
    inference::ModelInferResponse response;
    EXPECT_FALSE(client.call("ModelInfer", infer_request("delayed", {3}), response).ok());
  });
  while (served.fake.num_requests() == 0) std::this_thread::yield();
  served.grpc.stop(Clock::now());
  caller.join();
}

TEST(GrpcServer, APortInUseIsAnError) {
  Served first;
  testing::FakeServer fake;
  GrpcOptions options;
  options.port = first.grpc.port();
  GrpcServer second(fake, options);
  try {
    second.start();
    FAIL() << "two servers on one port";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kIo);
    EXPECT_THAT(e.what(), HasSubstr(std::to_string(options.port)));
  }
}

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

::grpc::Status call_with(Client& client, const std::string& method, const std::string& authorization) {
  inference::ServerLiveRequest request, response;  // empty: reads any answer
  return client.call(method, request, response, [&](::grpc::ClientContext& context) {
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
  });
}

TEST(GrpcServer, TokensAreAskedForExceptByHealth) {
  GrpcOptions options;
  options.tokens = {"secret", "another"};
  options.management_tokens = {"boss"};
  Served served(options);
  Client client(served.grpc.port());
  const auto code = [&](const char* method, const char* authorization) {
    return call_with(client, method, authorization).error_code();
  };
  EXPECT_EQ(code("ServerMetadata", ""), ::grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code("ServerMetadata", "Bearer wrong"), ::grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code("ServerMetadata", "Bearer secre"), ::grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code("ServerMetadata", "Bearer secretsecret"), ::grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code("ServerMetadata", "secret"), ::grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code("ServerMetadata", "Bearer another"), ::grpc::StatusCode::OK);
  EXPECT_EQ(code("RepositoryIndex", "Bearer secret"), ::grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code("RepositoryIndex", "Bearer boss"), ::grpc::StatusCode::OK);
  EXPECT_EQ(code("ModelInfer", ""), ::grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code("ServerReady", ""), ::grpc::StatusCode::OK);
  EXPECT_EQ(code("/grpc.health.v1.Health/Check", ""), ::grpc::StatusCode::OK);
  ::grpc::ClientContext context;
  const auto stream = client.stream(context);
  EXPECT_EQ(stream->Finish().error_code(), ::grpc::StatusCode::UNAUTHENTICATED);
  const std::string prefix = "grpc POST /inference.GRPCInferenceService/";
  EXPECT_THAT(served.fake.access_log(),
              ::testing::IsSupersetOf(
                  {prefix + "ServerMetadata   16", prefix + "ModelInfer   16", prefix + "ModelStreamInfer   16"}));
}

TEST(GrpcServer, ManagementHasAnAddressOfItsOwn) {
  GrpcOptions options;
  options.management_port = 0;
  Served served(options);
  Client users(served.grpc.port()), managers(served.grpc.management_port());
  EXPECT_NE(served.grpc.port(), served.grpc.management_port());
  for (const char* method : {"RepositoryModelLoad", "RepositoryModelUnload", "TraceSetting", "LogSettings"}) {
    EXPECT_EQ(call_with(users, method, "").error_code(), ::grpc::StatusCode::PERMISSION_DENIED) << method;
    EXPECT_NE(call_with(managers, method, "").error_code(), ::grpc::StatusCode::PERMISSION_DENIED) << method;
  }
  EXPECT_TRUE(call_with(users, "ServerMetadata", "").ok());
}

std::shared_ptr<::grpc::ChannelCredentials> trusting(const testing::Certificate& server,
                                                     const testing::Certificate* own = nullptr) {
  ::grpc::SslCredentialsOptions options;
  options.pem_root_certs = server.pem();
  if (own) {
    options.pem_cert_chain = own->pem();
    options.pem_private_key = read_file(own->key_file());
  }
  return ::grpc::SslCredentials(options);
}

TEST(GrpcServer, TlsForThoseWhoTrustTheCertificate) {
  const testing::Certificate certificate("server"), another("another");
  GrpcOptions options;
  options.tls_certificate_file = certificate.certificate_file();
  options.tls_key_file = certificate.key_file();
  Served served(options);
  inference::ModelInferResponse response;
  const auto ask = [&](const std::shared_ptr<::grpc::ChannelCredentials>& credentials) {
    return Client(served.grpc.port(), credentials).call("ModelInfer", infer_request("identity", {1}), response);
  };
  EXPECT_TRUE(ask(trusting(certificate)).ok());
  EXPECT_EQ(ask(trusting(another)).error_code(), ::grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ask(::grpc::InsecureChannelCredentials()).error_code(), ::grpc::StatusCode::UNAVAILABLE);
}

TEST(GrpcServer, TlsWithCertificatesOfClients) {
  const testing::Certificate certificate("server"), friendly("friendly"), stranger("stranger");
  GrpcOptions options;
  options.tls_certificate_file = certificate.certificate_file();
  options.tls_key_file = certificate.key_file();
  options.tls_client_ca_file = friendly.certificate_file();
  Served served(options);
  inference::ModelInferResponse response;
  const auto ask = [&](const testing::Certificate* own) {
    return Client(served.grpc.port(), trusting(certificate, own))
        .call("ModelInfer", infer_request("identity", {1}), response);
  };
  EXPECT_TRUE(ask(&friendly).ok());
  EXPECT_FALSE(ask(&stranger).ok());
  EXPECT_FALSE(ask(nullptr).ok());
}

TEST(GrpcServer, TlsOptionsMustFit) {
  testing::FakeServer fake;
  GrpcOptions options;
  options.port = 0;
  options.tls_certificate_file = "/nowhere/certificate.pem";
  EXPECT_THROW(GrpcServer(fake, options).start(), Error);
  options.tls_key_file = "/nowhere/key.pem";
  EXPECT_THROW(GrpcServer(fake, options).start(), Error);
}

}  // namespace
}  // namespace burnish::server
