#include "server/ensemble.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "server/config_json.h"
#include "server/config_pbtxt.h"
#include "server/fake_servable.h"

namespace burnish::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Bytes bytes_of(float value) {
  const auto data = std::make_shared<float>(value);
  return {reinterpret_cast<const std::byte*>(data.get()), sizeof(float), data};
}

float value_of(const Bytes& bytes) {
  float value = 0;
  std::memcpy(&value, bytes.data, sizeof(value));
  return value;
}

/// Models of one number: "double" (x → y), "sum" (a, b → y), "split" (x → y, z = −x).
class EnsembleTest : public testing::Test {
 protected:
  EnsembleTest() {
    add("double", {"x"}, {"y"}, [](const std::vector<float>& in) { return std::vector<float>{2 * in[0]}; });
    add("sum", {"a", "b"}, {"y"}, [](const std::vector<float>& in) { return std::vector<float>{in[0] + in[1]}; });
    add("split", {"x"}, {"y", "z"}, [](const std::vector<float>& in) { return std::vector<float>{in[0], -in[0]}; });
  }

  void add(const std::string& name, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
           const std::function<std::vector<float>(const std::vector<float>&)>& f) {
    ModelMetadata metadata;
    for (const auto& input : inputs) metadata.inputs.push_back({input, "FP32", {-1, 1}});
    for (const auto& output : outputs) metadata.outputs.push_back({output, "FP32", {-1, 1}});
    ModelConfig config;
    config.name = name;
    config.max_batch_size = name == "sum" ? 4 : 8;
    auto model = std::make_shared<FakeServable>(config, "1", metadata);
    model->answer = [this, inputs, outputs, f](InferRequest request) { return run(request, inputs, outputs, f); };
    models[name] = model;
  }

  InferResponse run(InferRequest& request, const std::vector<std::string>& inputs,
                    const std::vector<std::string>& outputs,
                    const std::function<std::vector<float>(const std::vector<float>&)>& f) {
    InferResponse response;
    std::vector<float> values;
    for (const std::string& name : inputs) {
      const auto found = std::ranges::find(request.inputs, name, &InputTensor::name);
      values.push_back(value_of(found->data));
      read.push_back(found->data.data);
    }
    const std::vector<float> results = f(values);
    for (const RequestedOutput& wanted : request.outputs) {
      const auto index = static_cast<size_t>(std::ranges::find(outputs, wanted.name) - outputs.begin());
      OutputTensor& output = response.outputs.emplace_back();
      output.name = wanted.name;
      output.shape = {1, 1};
      output.data = bytes_of(results[index]);
      written.push_back(output.data.data);
    }
    response.timing.infer_ns = 5;
    return response;
  }

  std::shared_ptr<Ensemble> make(const std::string& pbtxt) {
    ModelConfig config = parse_config_json(pbtxt_to_json(pbtxt));
    config.name = "pipeline";
    return std::make_shared<Ensemble>(config, "3", [this](const std::string& name, int64_t) {
      const auto found = models.find(name);
      return found == models.end() ? nullptr : found->second;
    });
  }
  std::string error_of(const std::string& pbtxt) {
    try {
      make(pbtxt);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  static InferResponse ask(Ensemble& ensemble, const std::map<std::string, float>& inputs,
                           std::vector<RequestedOutput> outputs = {}) {
    InferRequest request;
    request.id = "7";
    for (const auto& [name, value] : inputs) {
      request.inputs.push_back({name, DataType::kFloat32, {1, 1}, bytes_of(value)});
    }
    request.outputs = std::move(outputs);
    InferResponse answer;
    int answers = 0;
    ensemble.submit(std::move(request), [&](InferResponse&& response) {
      answer = std::move(response);
      ++answers;
    });
    EXPECT_EQ(answers, 1);
    return answer;
  }

  std::map<std::string, std::shared_ptr<FakeServable>> models;
  std::vector<const std::byte*> read, written;
};

// y = 2·(x + −x·2) through a diamond: split, double of one half, sum, double.
constexpr const char* kDiamond = R"(ensemble_scheduling {
  step { model_name: "double" input_map { key: "x" value: "added" } output_map { key: "y" value: "result" } }
  step { model_name: "sum" input_map { key: "a" value: "left" } input_map { key: "b" value: "doubled" }
         output_map { key: "y" value: "added" } }
  step { model_name: "double" input_map { key: "x" value: "right" } output_map { key: "y" value: "doubled" } }
  step { model_name: "split" input_map { key: "x" value: "number" } output_map { key: "y" value: "left" }
         output_map { key: "z" value: "right" } } })";

TEST_F(EnsembleTest, StepsRunAsTheirInputsBecomeReady) {
  const auto ensemble = make(kDiamond);
  const InferResponse response = ask(*ensemble, {{"number", 3}});
  ASSERT_TRUE(response.status.ok()) << response.status.message;
  ASSERT_EQ(response.outputs.size(), 1U);
  EXPECT_EQ(response.outputs[0].name, "result");
  EXPECT_EQ(value_of(response.outputs[0].data), -6);
  EXPECT_EQ(response.model, "pipeline");
  EXPECT_EQ(response.version, "3");
  EXPECT_EQ(response.id, "7");
  EXPECT_EQ(response.timing.infer_ns, 20U);
  EXPECT_EQ(ensemble->statistics().success.count, 1U);
}

TEST_F(EnsembleTest, NothingIsCopiedBetweenSteps) {
  ask(*make(kDiamond), {{"number", 3}});
  ASSERT_EQ(written.size(), 5U);
  read.erase(read.begin());  // the request's own
  for (const std::byte* data : read) EXPECT_THAT(written, testing::Contains(data));
}

TEST_F(EnsembleTest, InfersTypesAndBatchFromItsSteps) {
  const auto ensemble = make(kDiamond);
  const ModelMetadata metadata = ensemble->metadata();
  ASSERT_EQ(metadata.inputs.size(), 1U);
  EXPECT_EQ(metadata.inputs[0].name, "number");
  EXPECT_EQ(metadata.inputs[0].datatype, "FP32");
  EXPECT_THAT(metadata.outputs[0].shape, ElementsAre(-1, 1));
  EXPECT_EQ(ensemble->config().max_batch_size, 4);
  EXPECT_THAT(ensemble->config().inputs[0].dims, ElementsAre(1));
}

TEST_F(EnsembleTest, InnerTensorsMayBeOutputs) {
  const auto ensemble = make(std::string(kDiamond) +
                             R"(output [ { name: "added", data_type: TYPE_FP32 dims: [ 1 ] }, { name: "result" } ])");
  float memory = 0;
  RequestedOutput added{.name = "added"};
  added.target.data = reinterpret_cast<std::byte*>(&memory);
  added.capacity = sizeof(memory);
  InferResponse response = ask(*ensemble, {{"number", 3}}, {added, {.name = "result"}});
  ASSERT_TRUE(response.status.ok()) << response.status.message;
  EXPECT_EQ(memory, -3);
  EXPECT_EQ(response.outputs[0].shared_bytes, sizeof(float));
  EXPECT_EQ(value_of(response.outputs[1].data), -6);
  added.capacity = 2;
  response = ask(*ensemble, {{"number", 3}}, {added});
  EXPECT_THAT(response.status.message, HasSubstr("'added' has 4 bytes, its shared memory region only 2"));
}

TEST_F(EnsembleTest, RequestErrorsNameTheTensor) {
  const auto ensemble = make(kDiamond);
  EXPECT_THAT(ask(*ensemble, {}).status.message, HasSubstr("input 'number' is missing"));
  EXPECT_THAT(ask(*ensemble, {{"number", 1}, {"left", 1}}).status.message, HasSubstr("input 'left'"));
  EXPECT_THAT(ask(*ensemble, {{"number", 1}}, {{.name = "left"}}).status.message, HasSubstr("output 'left'"));
}

TEST_F(EnsembleTest, AFailedStepNamesItself) {
  models["sum"]->answer = [](const InferRequest&) {
    InferResponse response;
    response.status = {StatusCode::kResourceExhausted, "the queue is full"};
    return response;
  };
  const auto ensemble = make(kDiamond);
  const InferResponse response = ask(*ensemble, {{"number", 1}});
  EXPECT_EQ(response.status.code, StatusCode::kResourceExhausted);
  EXPECT_EQ(response.status.message, "step 1 (model 'sum'): the queue is full");
  EXPECT_TRUE(response.outputs.empty());
  models.erase("double");
  EXPECT_EQ(ask(*ensemble, {{"number", 1}}).status.code, StatusCode::kUnavailable);
}

TEST_F(EnsembleTest, DrainsByWaiting) {
  models["sum"]->answer = nullptr;
  const auto ensemble = make(kDiamond);
  InferRequest request;
  request.inputs.push_back({"number", DataType::kFloat32, {1, 1}, bytes_of(1)});
  std::atomic<bool> answered{false};
  ensemble->submit(std::move(request), [&](InferResponse&&) { answered = true; });
  ASSERT_EQ(models["sum"]->held.size(), 1U);
  std::thread drainer([&] {
    ensemble->drain(Clock::now() + std::chrono::hours(1));
    EXPECT_TRUE(answered);
  });
  InferResponse response;
  response.outputs.push_back({.name = "y", .shape = {1, 1}, .data = bytes_of(5), .classes = {}});
  auto [held, done] = std::move(models["sum"]->held[0]);
  done(std::move(response));
  drainer.join();
  EXPECT_EQ(ask(*ensemble, {{"number", 1}}).status.code, StatusCode::kUnavailable);
}

struct Refusal {
  const char* steps;
  const char* message;
};
constexpr Refusal kRefusals[] = {
    {R"(step { model_name: "none" })", "model 'none' has no such version that is ready"},
    {R"(step { model_name: "double" input_map { key: "w" value: "in" } })",
     "model 'double' has no input 'w'; it has x"},
    {R"(step { model_name: "sum" input_map { key: "a" value: "in" } output_map { key: "y" value: "out" } })",
     "input 'b' of model 'sum' is missing"},
    {R"(step { model_name: "double" input_map { key: "x" value: "in" } output_map { key: "y" value: "in" } })",
     "waits for itself"},
    {R"(step { model_name: "double" input_map { key: "x" value: "a" } output_map { key: "y" value: "b" } }
        step { model_name: "double" input_map { key: "x" value: "b" } output_map { key: "y" value: "a" } })",
     "a circle"},
    {R"(step { model_name: "double" input_map { key: "x" value: "a" } output_map { key: "y" value: "b" } }
        step { model_name: "double" input_map { key: "x" value: "a" } output_map { key: "y" value: "b" } })",
     "tensor 'b' is made by steps 0 and 1"}};

TEST_F(EnsembleTest, EveryMistakeIsNamed) {
  for (const Refusal& refusal : kRefusals) {
    EXPECT_THAT(error_of(fmt::format("ensemble_scheduling {{ {} }}", refusal.steps)), HasSubstr(refusal.message));
  }
  EXPECT_THAT(error_of(std::string(kDiamond) + R"(input { name: "other" })"),
              HasSubstr("input 'other' stands in no step"));
  EXPECT_THAT(error_of(std::string(kDiamond) + R"(output { name: "number" })"),
              HasSubstr("no step makes output 'number'"));
  EXPECT_THAT(error_of(std::string(kDiamond) + "max_batch_size: 5"),
              HasSubstr("max_batch_size is 5, but the steps allow 4"));
  EXPECT_THAT(error_of(std::string(kDiamond) + R"(input { name: "number" data_type: TYPE_INT8 })"),
              HasSubstr("TYPE_INT8"));
}

}  // namespace
}  // namespace burnish::server
