#include "server/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace burnish::server {
namespace {

using ::testing::HasSubstr;

struct TraceTest : ::testing::Test {
  const std::string folder = ::testing::TempDir() + "burnish_trace_" + std::to_string(getpid());
  const std::string file = folder + "/trace.json";
  TraceTest() { std::filesystem::create_directories(folder); }
  ~TraceTest() override { std::filesystem::remove_all(folder); }

  static nlohmann::json read(const std::string& path) {
    std::ifstream stream(path);
    return nlohmann::json::parse(stream);
  }

  /// A request that was answered.
  static void request(Tracer& tracer, const std::string& model, const std::string& id = "") {
    InferRequest request;
    request.model = model;
    request.id = id;
    bool answered = false;
    const ResponseCallback done = tracer.follow(request, [&](InferResponse&&) { answered = true; });
    InferResponse response;
    response.model = model;
    response.version = "3";
    response.timing = {100, 20, 300, 4};
    done(std::move(response));
    EXPECT_TRUE(answered);
  }

  static size_t num_traces(const std::string& path) { return read(path).size() / 2; }
};

TEST_F(TraceTest, TritonsFormat) {
  {
    Tracer tracer(file, {true, 1});
    request(tracer, "bert \"x\"", "id-1");
  }
  const nlohmann::json trace = read(file);
  ASSERT_EQ(trace.size(), 2);
  EXPECT_EQ(trace[0],
            (nlohmann::json{{"id", 1}, {"model_name", "bert \"x\""}, {"model_version", 3}, {"request_id", "id-1"}}));
  EXPECT_EQ(trace[1]["id"], 1);
  std::map<std::string, int64_t> at;
  int64_t last = 0;
  for (const auto& stamp : trace[1]["timestamps"]) {
    at[stamp["name"]] = stamp["ns"];
    if (stamp["name"] != "REQUEST_END") {  // of the clock; the stages are made up
      EXPECT_GE(stamp["ns"], last);
    }
    last = stamp["ns"];
  }
  EXPECT_EQ(at["COMPUTE_START"] - at["QUEUE_START"], 100);
  EXPECT_EQ(at["COMPUTE_INPUT_END"] - at["COMPUTE_START"], 20);
  EXPECT_EQ(at["COMPUTE_OUTPUT_START"] - at["COMPUTE_INPUT_END"], 300);
  EXPECT_EQ(at["COMPUTE_END"] - at["COMPUTE_OUTPUT_START"], 4);
  EXPECT_TRUE(at.contains("REQUEST_START") && at.contains("REQUEST_END"));
}

TEST_F(TraceTest, Tensors) {
  const std::vector<float> x = {1, 2.5F, -3}, y = {0.1F, 4};
  std::array<float, 2> shared = {7, 8};
  const auto bytes = [](const auto& values) {
    return Bytes{reinterpret_cast<const std::byte*>(values.data()), values.size() * sizeof(float), nullptr};
  };
  Settings now;
  {
    Tracer tracer(file);
    ASSERT_TRUE(tracer.settings("", {{"trace_level", {"TENSORS"}}, {"trace_rate", {"1"}}}, now).ok());
    EXPECT_EQ(now[0], (Settings::value_type{"trace_level", {"TENSORS"}}));
    InferRequest request;
    request.model = "m";
    request.inputs = {{"x", DataType::kFloat32, {1, 3}, bytes(x)}, {"cut off", DataType::kInt64, {5}, bytes(y)}};
    RequestedOutput kept{.name = "kept"};
    kept.target.data = reinterpret_cast<std::byte*>(shared.data());
    request.outputs = {{.name = "y"}, kept, {.name = "best"}};
    const ResponseCallback done = tracer.follow(request, [](InferResponse&&) {});
    InferResponse response;
    response.outputs.resize(3);
    for (size_t o = 0; o < 3; ++o) response.outputs[o].name = request.outputs[o].name;
    for (OutputTensor& output : response.outputs) output.shape = {2};
    response.outputs[0].data = bytes(y);
    response.outputs[1].shared_bytes = 8;
    response.outputs[2].classes = {"0.9:1:\"cat\"", "0.1:0"};
    done(std::move(response));
  }
  const nlohmann::json trace = read(file);
  ASSERT_EQ(trace.size(), 6);
  EXPECT_EQ(trace[0]["model_name"], "m");
  const auto record = [](const char* activity, const char* name, const char* data, const char* shape,
                         const char* dtype) {
    const nlohmann::json tensor = {{"name", name}, {"data", data}, {"shape", shape}, {"dtype", dtype}};
    return nlohmann::json{{"id", 1}, {"activity", activity}, {"tensor", tensor}};
  };
  EXPECT_EQ(trace[1], record("TENSOR_QUEUE_INPUT", "x", "1,2.5,-3", "1,3", "FP32"));
  EXPECT_EQ(trace[2]["tensor"]["shape"], "5");  // what its eight bytes hold, before anybody has checked them
  EXPECT_EQ(trace[3], record("TENSOR_BACKEND_OUTPUT", "y", "0.1,4", "2", "FP32"));
  EXPECT_EQ(trace[4], record("TENSOR_BACKEND_OUTPUT", "kept", "7,8", "2", "FP32"));
  EXPECT_EQ(trace[5], record("TENSOR_BACKEND_OUTPUT", "best", "0.9:1:\"cat\",0.1:0", "2", "BYTES"));
}

TEST_F(TraceTest, RateAndCount) {
  {
    Tracer tracer(file, {true, 3, 4});
    for (int i = 0; i < 100; ++i) request(tracer, "m");
    Settings now;
    ASSERT_TRUE(tracer.settings("", {}, now).ok());
    EXPECT_THAT(now, ::testing::Contains(Settings::value_type{"trace_count", {"0"}}));
  }
  EXPECT_EQ(num_traces(file), 4);
}

TEST_F(TraceTest, OffWithoutAFileUntilTurnedOn) {
  {
    Tracer tracer(file);
    request(tracer, "m");
    EXPECT_FALSE(std::filesystem::exists(file));
    Settings now;
    ASSERT_TRUE(tracer.settings("", {{"trace_level", {"TIMESTAMPS"}}, {"trace_rate", {"1"}}}, now).ok());
    EXPECT_EQ(now[0], (Settings::value_type{"trace_level", {"TIMESTAMPS"}}));
    request(tracer, "m");
    ASSERT_TRUE(tracer.settings("", {{"trace_level", {}}}, now).ok());
    EXPECT_EQ(now[0], (Settings::value_type{"trace_level", {"OFF"}}));
    request(tracer, "m");
  }
  EXPECT_EQ(num_traces(file), 1);
}

TEST_F(TraceTest, ModelsHaveSettingsOfTheirOwn) {
  {
    Tracer tracer(file);
    Settings now;
    ASSERT_TRUE(tracer.settings("special", {{"trace_level", {"TIMESTAMPS"}}, {"trace_rate", {"2"}}}, now).ok());
    for (int i = 0; i < 10; ++i) {
      request(tracer, "special");
      request(tracer, "other");
    }
    ASSERT_TRUE(tracer.settings("special", {{"trace_level", {}}, {"trace_rate", {}}}, now).ok());
    EXPECT_EQ(now[0], (Settings::value_type{"trace_level", {"OFF"}}));
  }
  const nlohmann::json traces = read(file);
  ASSERT_EQ(traces.size(), 10);
  for (size_t i = 0; i < traces.size(); i += 2) EXPECT_EQ(traces[i]["model_name"], "special");
}

TEST_F(TraceTest, FilesOfAFewTracesEach) {
  {
    Tracer tracer(file, {true, 1, -1, 2});
    for (int i = 0; i < 5; ++i) request(tracer, "m");
  }
  EXPECT_EQ(num_traces(file), 2);
  EXPECT_EQ(num_traces(file + ".1"), 2);
  EXPECT_EQ(num_traces(file + ".2"), 1);
}

TEST_F(TraceTest, WrongSettingsChangeNothing) {
  Tracer tracer(file);
  Settings now;
  const auto refusal = [&](const Settings& change) {
    const Status status = tracer.settings("", change, now);
    EXPECT_FALSE(status.ok());
    return status.message;
  };
  EXPECT_THAT(refusal({{"trace_level", {"TIMESTAMPS"}}, {"trace_rate", {"0"}}}), HasSubstr("'trace_rate'"));
  EXPECT_THAT(refusal({{"trace_level", {"LOUD"}}}), HasSubstr("'LOUD'"));
  EXPECT_THAT(refusal({{"trace_count", {"-2"}}}), HasSubstr("below -1"));
  EXPECT_THAT(refusal({{"trace_rate", {"many"}}}), HasSubstr("'many' is not a number"));
  EXPECT_THAT(refusal({{"trace_file", {"/etc/passwd"}}}), HasSubstr("chosen where the server is started"));
  EXPECT_THAT(refusal({{"colour", {"red"}}}), HasSubstr("no trace setting 'colour'"));
  ASSERT_TRUE(tracer.settings("", {}, now).ok());
  EXPECT_EQ(now[0], (Settings::value_type{"trace_level", {"OFF"}}));
  Tracer without("");
  EXPECT_THAT(without.settings("", {{"trace_level", {"TIMESTAMPS"}}}, now).message, HasSubstr("need a file"));
  EXPECT_THROW(Tracer("/nowhere/trace.json", {true}), Error);
}

}  // namespace
}  // namespace burnish::server
