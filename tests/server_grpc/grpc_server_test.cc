// The server over a socket: what it tells of itself and its models, and how it starts and stops.
#include <thread>

#include "base/error.h"
#include "server_grpc/server_case.h"

namespace burnish::server {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using testing::GrpcServerTest;
using ::testing::HasSubstr;
using testing::infer_request;
using testing::Served;

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

}  // namespace
}  // namespace burnish::server
