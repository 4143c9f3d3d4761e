// Sequences: y = x + memory, which becomes the next request's memory.
#include <thread>

#include "server/server_case.h"

namespace burnish::server {
namespace {

using namespace testing;  // NOLINT: the fixtures of this folder
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ModelConfig sequence_config() {
  ModelConfig config;
  config.name = "sum";
  config.sequence_batching.emplace();
  config.sequence_batching->controls = {{"start", "CONTROL_SEQUENCE_START", {0, 1}, "TYPE_FP32"},
                                        {"end", "CONTROL_SEQUENCE_END", {-1, 5}, ""},
                                        {"id", "CONTROL_SEQUENCE_CORRID", {}, "TYPE_INT64"}};
  config.sequence_batching->states = {{"memory", "next_memory", "TYPE_FP32", {1}}};
  return config;
}

std::shared_ptr<ModelVersion> load(const ModelConfig& config, const VersionOptions& options = {}) {
  return ModelVersion::load(config, "1", running_sum_engine(), options);
}

InferRequest step(const std::string& id, float x, bool start = false, bool end = false) {
  InferRequest request = request_of({float_tensor("x", {1, 1}, {x})});
  request.sequence = {id, start, end};
  return request;
}

float y_of(const InferResponse& response) {
  const std::vector<float> y = floats_of(response, "y");
  return y.empty() ? -1 : y[0];
}

TEST(Sequences, KeepTheirStateBetweenRequests) {
  const auto model = load(sequence_config());
  EXPECT_EQ(y_of(infer(*model, step("7", 1, true))), 1);
  EXPECT_EQ(y_of(infer(*model, step("8", 10, true))), 10);
  EXPECT_EQ(y_of(infer(*model, step("7", 2))), 3);
  EXPECT_EQ(y_of(infer(*model, step("8", 20))), 30);
  EXPECT_EQ(y_of(infer(*model, step("7", 3, false, true))), 6);
  EXPECT_EQ(model->state().open_sequences, 1U);
  EXPECT_EQ(y_of(infer(*model, step("8", 5, true))), 5);  // anew
}

TEST(Sequences, ControlsTellStartEndAndId) {
  const auto model = load(sequence_config());
  EXPECT_THAT(floats_of(infer(*model, step("7", 1, true)), "controls"), ElementsAre(1, -1));
  EXPECT_THAT(floats_of(infer(*model, step("7", 1, false, true)), "controls"), ElementsAre(0, 5));
  const InferResponse response = infer(*model, step("12", 1, true));
  for (const OutputTensor& output : response.outputs) {
    if (output.name != "minus_id") continue;
    EXPECT_EQ(*reinterpret_cast<const int64_t*>(output.data.data), -12);
  }
}

TEST(Sequences, ClientsSeeNeitherControlsNorStates) {
  const auto model = load(sequence_config());
  const ModelMetadata metadata = model->metadata();
  ASSERT_EQ(metadata.inputs.size(), 1U);
  EXPECT_EQ(metadata.inputs[0].name, "x");
  EXPECT_EQ(metadata.outputs.size(), 3U);
  const InferResponse all = infer(*model, step("1", 1, true));
  EXPECT_EQ(all.outputs.size(), 3U);
  InferRequest one = step("1", 2);
  one.outputs.emplace_back();
  one.outputs[0].name = "y";
  const InferResponse response = infer(*model, one);
  ASSERT_EQ(response.outputs.size(), 1U);
  EXPECT_EQ(y_of(response), 3);
  EXPECT_EQ(y_of(infer(*model, step("1", 3))), 6);  // its state was kept
  one.outputs[0].name = "next_memory";
  const InferResponse state = infer(*model, one);
  EXPECT_THAT(floats_of(state, "next_memory"), ElementsAre(8));
}

TEST(Sequences, RefuseWhatDoesNotFit) {
  const auto model = load(sequence_config());
  EXPECT_THAT(infer(*model, step("", 1, true)).status.message, HasSubstr("need a sequence_id"));
  EXPECT_THAT(infer(*model, step("5", 1)).status.message, HasSubstr("sequence '5' is not open"));
  EXPECT_THAT(infer(*model, step("five", 1, true)).status.message, HasSubstr("'five' must be a number"));
  InferRequest request = step("5", 1, true);
  request.inputs.push_back(float_tensor("memory", {1, 1}, {4}));
  EXPECT_THAT(infer(*model, request).status.message, HasSubstr("input 'memory' is set by the server"));
  request = request_of({float_tensor("x", {2, 1}, {1, 2})});
  request.sequence = {"5", true, false};
  EXPECT_THAT(infer(*model, request).status.message, HasSubstr("has 2 items, but a sequence's request has one"));
  EXPECT_EQ(model->state().rejections.invalid, 5U);
}

TEST(Sequences, AreBoundedAndCloseWhenIdle) {
  ModelConfig config = sequence_config();
  VersionOptions options;
  options.max_sequences = 2;
  const auto bounded = load(config, options);
  infer(*bounded, step("1", 1, true));
  infer(*bounded, step("2", 1, true));
  EXPECT_EQ(infer(*bounded, step("3", 1, true)).status.code, StatusCode::kResourceExhausted);
  config.sequence_batching->max_sequence_idle_us = 1;
  const auto idle = load(config, options);
  for (const char* id : {"1", "2", "3", "4"}) {
    EXPECT_TRUE(infer(*idle, step(id, 1, true)).status.ok());
    std::this_thread::sleep_for(std::chrono::microseconds(10));
  }
  EXPECT_THAT(infer(*idle, step("1", 1)).status.message, HasSubstr("not open"));
}

TEST(Sequences, BadConfigurationsNameTheTensor) {
  ModelConfig config = sequence_config();
  config.sequence_batching->states[0].output = "nothing";
  const auto failure = [&] {
    try {
      load(config);
      return std::string();
    } catch (const std::exception& e) {
      return std::string(e.what());
    }
  };
  EXPECT_THAT(failure(), HasSubstr("no output 'nothing' for a state"));
  config = sequence_config();
  config.sequence_batching->controls[0].kind = "CONTROL_STOP";
  EXPECT_THAT(failure(), HasSubstr("the kind 'CONTROL_STOP', not one of CONTROL_SEQUENCE_START"));
}

// A failed request leaves the state as it was; requests that come at once are executed one after the other.
TEST(Sequences, ManyAtOnceDoNotMix) {
  ModelConfig config = sequence_config();
  config.instance_groups.resize(1);
  config.instance_groups[0].count = 2;
  config.instance_groups[0].threads = 1;
  const auto model = load(config);
  constexpr int kSequences = 6, kSteps = 60;
  std::vector<int> wrong(kSequences, 0);
  std::vector<std::thread> clients;
  for (int s = 0; s < kSequences; ++s) {
    clients.emplace_back([&, s] {
      std::vector<std::future<InferResponse>> answers;
      for (int i = 0; i < kSteps; ++i) {
        answers.push_back(
            submit(*model, step(std::to_string(s + 1), static_cast<float>(s + i), i == 0, i + 1 == kSteps)));
      }
      float sum = 0;
      for (int i = 0; i < kSteps; ++i) {
        sum += static_cast<float>(s + i);
        wrong[static_cast<size_t>(s)] += y_of(answers[static_cast<size_t>(i)].get()) == sum ? 0 : 1;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(wrong, ::testing::Each(0));
  EXPECT_EQ(model->state().open_sequences, 0U);
}

TEST(Sequences, DrainingAnswersWhatWaits) {
  const auto model = load(sequence_config());
  std::vector<std::future<InferResponse>> answers;
  for (int i = 0; i < 200; ++i) answers.push_back(submit(*model, step("1", 1, i == 0)));
  EXPECT_TRUE(model->drain(Clock::time_point::max()));
  EXPECT_EQ(y_of(answers.back().get()), 200);
  EXPECT_EQ(infer(*model, step("1", 1)).status.code, StatusCode::kUnavailable);
}

}  // namespace
}  // namespace burnish::server
