// What clients are told of requests that do not fit, what configurations are told of engines that do not, and lengths
// that batch by buckets.
#include <filesystem>
#include <fstream>
#include <thread>

#include "server/server_case.h"
#include "server/tensor_copy.h"

namespace burnish::server {
namespace {

using namespace testing;  // NOLINT: the fixtures of this folder
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ModelConfig named(const std::string& name) {
  ModelConfig config;
  config.name = name;
  return config;
}

std::string refusal(ModelVersion& model, InferRequest request) {
  const InferResponse response = infer(model, std::move(request));
  EXPECT_EQ(response.status.code, StatusCode::kInvalidArgument);
  EXPECT_TRUE(response.outputs.empty());
  return response.status.message;
}

TEST(RequestCheck, NamesTheInputWhatIsExpectedAndWhatIsGiven) {
  const auto model = ModelVersion::load(named("m"), "1", masked_engine());
  const auto x = [](std::vector<int64_t> shape, size_t count) {
    return float_tensor("x", std::move(shape), std::vector<float>(count));
  };
  const auto mask = float_tensor("mask", {1, 4}, std::vector<float>(4));
  const struct {
    std::vector<InputTensor> inputs;
    std::string message;
  } cases[] = {
      {{}, "model 'm': input 'x' is missing: the model takes 'x', 'mask'"},
      {{x({1, 4}, 4)}, "model 'm': input 'mask' is missing"},
      {{x({1, 4}, 4), mask, x({1, 4}, 4)}, "input 'x' is given twice"},
      {{float_tensor("y", {1, 4}, std::vector<float>(4))}, "the model has no input 'y', only 'x', 'mask'"},
      {{int64_tensor("x", {1, 4}, std::vector<int64_t>(4)), mask}, "input 'x' is FP32, but INT64 was given"},
      {{x({4}, 4), mask}, "input 'x' has 2 dimensions [-1,-1], but 1 were given: [4]"},
      {{x({1, 65}, 65), mask}, "input 'x' must be [-1,-1], but [1,65] was given: dimension 1 is 65, not 1 to 64"},
      {{x({9, 4}, 36), mask}, "[9,4] was given: dimension 0 is 9, not 1 to 8"},
      {{x({0, 4}, 0), mask}, "[0,4] was given: dimension 0 is 0, not 1 to 8"},
      {{x({-1, 4}, 4), mask}, "[-1,4] was given: dimension 0 is -1"},
      {{x({1, 4}, 3), mask}, "input 'x' FP32 [1,4] takes 16 bytes, but 12 were given"},
      {{x({1, INT64_MAX}, 3), mask}, "dimension 1 is 9223372036854775807"},
      {{x({2, 4}, 8), mask}, "input 'x' has 2 items, but input 'mask' has 1"},
      {{x({1, 5}, 5), mask},
       "inputs 'x' and 'mask' share the dimension 'length', but it is 5 in one and 4 in the other"},
  };
  for (const auto& c : cases) EXPECT_THAT(refusal(*model, request_of(c.inputs)), HasSubstr(c.message));
  EXPECT_EQ(model->state().rejections.invalid, std::size(cases));
}

TEST(RequestCheck, NamesTheOutput) {
  const auto model = ModelVersion::load(named("m"), "1", affine_engine());
  InferRequest request = request_of({float_tensor("x", {1, 16}, numbers(16, 1))});
  request.outputs.resize(2);
  request.outputs[0].name = "y";
  request.outputs[1].name = "z";
  EXPECT_THAT(refusal(*model, request), HasSubstr("the model has no output 'z', only 'y', 'sum'"));
  request.outputs[1].name = "y";
  EXPECT_THAT(refusal(*model, request), HasSubstr("output 'y' is requested twice"));
}

TEST(RequestCheck, ABatchLargerThanTheConfigurationsIsRefused) {
  ModelConfig config = named("m");
  config.max_batch_size = 2;
  const auto model = ModelVersion::load(config, "1", affine_engine());
  EXPECT_THAT(refusal(*model, request_of({float_tensor("x", {3, 16}, numbers(48, 1))})),
              HasSubstr("3 items, the model takes at most 2 at once (max_batch_size): split it"));
}

TEST(ModelSetup, TakesFromTheEngineWhatIsNotSaid) {
  const auto model = ModelVersion::load(named("m"), "1", affine_engine());
  const ModelConfig& config = model->config();
  EXPECT_EQ(config.max_batch_size, 8);
  EXPECT_TRUE(config.dynamic_batching.has_value());
  ASSERT_EQ(config.inputs.size(), 1U);
  EXPECT_EQ(config.inputs[0].data_type, "TYPE_FP32");
  EXPECT_THAT(config.inputs[0].dims, ElementsAre(16));
  ASSERT_EQ(config.outputs.size(), 2U);
  EXPECT_THAT(model->metadata().inputs[0].shape, ElementsAre(-1, 16));
  EXPECT_EQ(model->metadata().outputs[1].datatype, "FP32");
  EXPECT_EQ(config.instance_groups[0].kind, "KIND_CPU");
}

TEST(ModelSetup, AnEngineWithoutABatchIsNotBatched) {
  const auto model = ModelVersion::load(named("m"), "1", gated_engine());
  EXPECT_EQ(model->config().max_batch_size, 8);
  const auto nonzero = ModelVersion::load(named("m"), "1", nonzero_engine());
  EXPECT_EQ(nonzero->config().max_batch_size, 0);
  EXPECT_FALSE(nonzero->config().dynamic_batching.has_value());
}

std::string setup_failure(const Engine& engine, const std::function<void(ModelConfig&)>& change) {
  ModelConfig config = named("m");
  config.inputs.resize(1);
  config.inputs[0].name = engine.inputs()[0].name;
  config.dynamic_batching.emplace();
  config.instance_groups.resize(1);
  change(config);
  try {
    ModelVersion::load(config, "4", engine);
    return "";
  } catch (const std::exception& e) {
    return e.what();
  }
}

TEST(ModelSetup, ContradictionsNameTheField) {
  const Engine affine = affine_engine();
  EXPECT_EQ(setup_failure(affine, [](ModelConfig&) {}), "");
  const struct {
    std::function<void(ModelConfig&)> change;
    std::string message;
  } cases[] = {
      {[](ModelConfig& c) { c.max_batch_size = 9; },
       "model 'm' version 4: max_batch_size is 9, but the engine's profiles take at most 8"},
      {[](ModelConfig& c) { c.inputs[0].name = "z"; }, "input 'z': the engine has none of that name"},
      {[](ModelConfig& c) { c.inputs[0].data_type = "TYPE_INT8"; },
       "input 'x': data_type is TYPE_INT8, but the engine's is TYPE_FP32"},
      {[](ModelConfig& c) { c.inputs[0].dims = {17}; },
       "input 'x': dims are [17], but the engine's are [16] (without the batch)"},
      {[](ModelConfig& c) { c.dynamic_batching->preferred_batch_size = {9}; }, "preferred_batch_size 9 is not between"},
      {[](ModelConfig& c) { c.sequence_batching.emplace(); }, "exclude each other"},
      {[](ModelConfig& c) { c.instance_groups[0].kind = "KIND_GPU"; }, "kind must be KIND_CPU or KIND_AUTO"},
      {[](ModelConfig& c) { c.instance_groups[0].count = 1000; }, "more than 256 instances"},
      {[](ModelConfig& c) { c.instance_groups[0].count = -1; }, "must be positive"},
      {[](ModelConfig& c) { c.instance_groups[0].cores = {100'000}; }, "there is no core 100000"},
      {[](ModelConfig& c) { c.dynamic_batching->length_buckets = {-4}; }, "length_buckets must be positive"},
      {[](ModelConfig& c) {
         c.outputs.resize(1);
         c.outputs[0].name = "y";
         c.outputs[0].label_filename = "../labels.txt";
       },
       "label_filename of output 'y'"},
      {[](ModelConfig& c) {
         c.warmup = {{"w", 1, 1, {{"x", {"TYPE_INT8", {16}, false, ""}}}}};
       },
       "model_warmup 'w': input 'x': data_type is TYPE_INT8"},
      {[](ModelConfig& c) {
         c.warmup = {{"w", 1, 1, {{"x", {"", {17}, false, ""}}}}};
       },
       "model_warmup 'w': input 'x' must be [-1,16], but [1,17] was given"},
  };
  for (const auto& c : cases) EXPECT_THAT(setup_failure(affine, c.change), HasSubstr(c.message));
  EXPECT_THAT(setup_failure(nonzero_engine(), [](ModelConfig& c) { c.max_batch_size = 2; }),
              HasSubstr("max_batch_size is 2, but the shape of output 'y' depends on data"));
}

class ModelFolder : public ::testing::Test {
 protected:
  ModelFolder() {
    std::string pattern = ::testing::TempDir() + "burnish_server_XXXXXX";
    path_ = ::mkdtemp(pattern.data());
    std::filesystem::create_directory(path_ + "/warmup");
  }
  ~ModelFolder() override { std::filesystem::remove_all(path_); }
  std::string path_;
};

TEST_F(ModelFolder, LabelsAndWarmUpDataAreReadFromIt) {
  std::ofstream(path_ + "/labels.txt") << "shirt\r\n\nbag\ncoat";
  const std::vector<float> x = numbers(72, 1);
  std::ofstream(path_ + "/warmup/x.bin").write(reinterpret_cast<const char*>(x.data()), 72 * sizeof(float));
  ModelConfig config = named("conv");
  config.outputs.resize(1);
  config.outputs[0].name = "probabilities";
  config.outputs[0].label_filename = "labels.txt";
  config.warmup = {{"file", 1, 2, {{"x", {"TYPE_FP32", {2, 6, 6}, false, "x.bin"}}}},
                   {"random", 3, 1, {{"x", {"TYPE_FP32", {2, 6, 6}, true, ""}}}}};
  VersionOptions options;
  options.model_folder = path_;
  const auto model = ModelVersion::load(config, "1", conv_engine(), options);
  InferRequest request = request_of({float_tensor("x", {1, 2, 6, 6}, x)});
  request.outputs.resize(1);
  request.outputs[0].name = "probabilities";
  request.outputs[0].num_classes = 4;
  const InferResponse response = infer(*model, request);
  ASSERT_EQ(response.outputs.size(), 1U);
  for (const std::string& c : response.outputs[0].classes) {
    const bool has_label = c.find(":1") == std::string::npos;  // the second line is empty
    EXPECT_EQ(std::ranges::count(c, ':'), has_label ? 2 : 1) << c;
  }
  config.warmup[0].inputs["x"].file = "missing.bin";
  EXPECT_THROW(ModelVersion::load(config, "1", conv_engine(), options), std::exception);
}

TEST(TensorCopy, PadsAndCrops) {
  const std::vector<float> small{1, 2, 3, 4, 5, 6};
  std::vector<float> large(12);
  const auto bytes = [](std::vector<float>& v) { return reinterpret_cast<std::byte*>(v.data()); };
  copy_common_box(reinterpret_cast<const std::byte*>(small.data()), std::array<int64_t, 3>{2, 1, 3}, bytes(large),
                  std::array<int64_t, 3>{2, 1, 6}, sizeof(float));
  EXPECT_THAT(large, ElementsAre(1, 2, 3, 0, 0, 0, 4, 5, 6, 0, 0, 0));
  std::vector<float> back(6);
  copy_common_box(bytes(large), std::array<int64_t, 3>{2, 1, 6}, bytes(back), std::array<int64_t, 3>{2, 1, 3},
                  sizeof(float));
  EXPECT_EQ(back, small);
}

InferRequest masked_request(int64_t items, int64_t length, uint64_t seed) {
  const auto count = static_cast<size_t>(items * length);
  return request_of({float_tensor("x", {items, length}, numbers(count, seed)),
                     float_tensor("mask", {items, length}, std::vector<float>(count, 1))});
}

// Requests of different lengths in one batch: answers have the lengths of their requests, and nothing of the padding.
TEST(LengthBuckets, LengthsShareABatch) {
  ModelConfig config = bound_config("masked");
  config.max_batch_size = 8;
  config.dynamic_batching.emplace();
  config.dynamic_batching->length_buckets = {32, 16};
  config.dynamic_batching->max_queue_delay_us = 60'000'000;
  config.dynamic_batching->preferred_batch_size = {4};
  const auto model = ModelVersion::load(config, "1", masked_engine());
  const int64_t lengths[] = {3, 16, 9}, items[] = {1, 1, 2};
  std::vector<InferRequest> requests;
  std::vector<std::future<InferResponse>> answers;
  for (size_t r = 0; r < 3; ++r) {
    requests.push_back(masked_request(items[r], lengths[r], r));
    answers.push_back(submit(*model, requests.back()));
  }
  for (size_t r = 0; r < 3; ++r) {
    const InferResponse response = answers[r].get();
    const auto expected = executed_alone(masked_engine(), requests[r]);
    ASSERT_EQ(response.outputs.size(), 2U);
    EXPECT_THAT(response.outputs[0].shape, ElementsAre(items[r], lengths[r]));
    EXPECT_EQ(floats_of(response, "y"), expected.at("y"));
    EXPECT_EQ(floats_of(response, "total"), expected.at("total"));  // zeros change no sum
    EXPECT_EQ(response.timing.batch_size, 4U);
  }
}

TEST(LengthBuckets, BeyondTheLastOnlyEqualLengthsShareABatch) {
  ModelConfig config = named("masked");
  config.max_batch_size = 8;
  config.dynamic_batching.emplace();
  config.dynamic_batching->length_buckets = {8, 48};
  config.instance_groups.resize(1);
  config.instance_groups[0].count = 2;
  config.instance_groups[0].threads = 1;
  const auto model = ModelVersion::load(config, "1", masked_engine());
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> clients;
  for (size_t c = 0; c < wrong.size(); ++c) {
    clients.emplace_back([&, c] {
      for (uint64_t round = 0; round < 64; ++round) {
        const InferRequest request =
            masked_request(1 + static_cast<int64_t>(c % 3), 1 + static_cast<int64_t>(round), round);
        const auto expected = executed_alone(masked_engine(), request);
        const InferResponse response = infer(*model, request);
        if (floats_of(response, "y") != expected.at("y")) ++wrong[c];
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(wrong, ::testing::Each(0));
}

}  // namespace
}  // namespace burnish::server
