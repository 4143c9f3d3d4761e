// Answers of a model version against executing alone.
#include "server/model_version.h"

#include <sched.h>

#include <thread>

#include "server/server_case.h"

namespace burnish::server {
namespace {

using namespace testing;  // NOLINT: the fixtures of this folder
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::shared_ptr<ModelVersion> load(const ModelConfig& config, Engine engine) {
  return ModelVersion::load(config, "3", std::move(engine));
}

ModelConfig named(const std::string& name) {
  ModelConfig config;
  config.name = name;
  return config;
}

TEST(ModelVersion, AnswersWithNameVersionIdAndAllOutputs) {
  const auto model = load(named("affine"), affine_engine());
  InferRequest request = request_of({float_tensor("x", {2, 16}, numbers(32, 1))});
  request.id = "seven";
  const auto expected = executed_alone(affine_engine(), request);
  const InferResponse response = infer(*model, std::move(request));
  EXPECT_EQ(response.model, "affine");
  EXPECT_EQ(response.version, "3");
  EXPECT_EQ(response.id, "seven");
  ASSERT_EQ(response.outputs.size(), 2U);
  EXPECT_THAT(response.outputs[0].shape, ElementsAre(2, 16));
  EXPECT_THAT(response.outputs[1].shape, ElementsAre(2, 1));
  EXPECT_EQ(floats_of(response, "y"), expected.at("y"));
  EXPECT_EQ(floats_of(response, "sum"), expected.at("sum"));
  EXPECT_EQ(response.timing.batch_size, 2U);
}

TEST(ModelVersion, GivesRequestedOutputsInTheirOrder) {
  const auto model = load(named("affine"), affine_engine());
  InferRequest request = request_of({float_tensor("x", {1, 16}, numbers(16, 2))});
  request.outputs = {{"sum", 0, true, {}, 0}};
  const InferResponse response = infer(*model, std::move(request));
  ASSERT_EQ(response.outputs.size(), 1U);
  EXPECT_EQ(response.outputs[0].name, "sum");
  EXPECT_TRUE(response.outputs[0].binary);
}

TEST(ModelVersion, FillsUpToTheFewestItemsThatTheEngineTakes) {
  const Engine engine = affine_engine(8, 4);
  const auto model = load(named("affine"), engine);
  const std::vector<float> x = numbers(16, 3);
  std::vector<float> four = x;
  four.resize(64);
  const auto expected = executed_alone(engine, request_of({float_tensor("x", {4, 16}, four)}));
  const InferResponse response = infer(*model, request_of({float_tensor("x", {1, 16}, x)}));
  const std::vector<float> y = floats_of(response, "y");
  EXPECT_EQ(y, std::vector<float>(expected.at("y").begin(), expected.at("y").begin() + 16));
}

TEST(ModelVersion, OutputOfUnknownSize) {
  const auto model = load(named("nonzero"), nonzero_engine());
  EXPECT_EQ(model->config().max_batch_size, 0);
  const InferResponse response = infer(*model, request_of({float_tensor("x", {5}, {0, 7, 0, 0, 8})}));
  ASSERT_EQ(response.outputs.size(), 1U);
  EXPECT_THAT(response.outputs[0].shape, ElementsAre(1, 2));
  const auto* where = reinterpret_cast<const int64_t*>(response.outputs[0].data.data);
  EXPECT_THAT(std::vector<int64_t>(where, where + 2), ElementsAre(1, 4));
}

TEST(ModelVersion, AnyByteIsATruthValue) {
  const auto model = load(named("not"), bool_engine());
  const std::array<std::byte, 4> x{std::byte{0}, std::byte{1}, std::byte{2}, std::byte{255}};
  const InferResponse response =
      infer(*model, request_of({{"x", DataType::kBool, {1, 4}, {x.data(), x.size(), nullptr, false}}}));
  ASSERT_EQ(response.outputs.size(), 1U);
  const auto* y = reinterpret_cast<const uint8_t*>(response.outputs[0].data.data);
  EXPECT_THAT(std::vector<uint8_t>(y, y + 4), ElementsAre(1, 0, 0, 0));
}

TEST(ModelVersion, MisalignedAndSharedInputsAreRead) {
  const auto model = load(named("conv"), conv_engine());
  const std::vector<float> x = numbers(4 * 72, 5);
  const InferRequest plain = request_of({float_tensor("x", {4, 2, 6, 6}, x)});
  const auto expected = executed_alone(conv_engine(), plain);
  std::vector<std::byte> odd(x.size() * sizeof(float) + 1);
  std::memcpy(odd.data() + 1, x.data(), x.size() * sizeof(float));
  InferRequest request = plain;
  request.inputs[0].data = {odd.data() + 1, odd.size() - 1, nullptr, false};
  EXPECT_EQ(floats_of(infer(*model, request), "probabilities"), expected.at("probabilities"));
  request = plain;
  request.inputs[0].data.is_shared = true;
  EXPECT_EQ(floats_of(infer(*model, request), "probabilities"), expected.at("probabilities"));
}

TEST(ModelVersion, WritesToSharedMemory) {
  const auto model = load(named("affine"), affine_engine());
  std::vector<float> target(17, -1);
  InferRequest request = request_of({float_tensor("x", {1, 16}, numbers(16, 6))});
  const auto expected = executed_alone(affine_engine(), request);
  request.outputs = {{"y", 0, false, {reinterpret_cast<std::byte*>(target.data()), nullptr}, 64}};
  const InferResponse response = infer(*model, request);
  ASSERT_EQ(response.outputs.size(), 1U);
  EXPECT_EQ(response.outputs[0].shared_bytes, 64U);
  EXPECT_EQ(response.outputs[0].data.size, 0U);
  EXPECT_EQ(std::vector<float>(target.begin(), target.begin() + 16), expected.at("y"));
  EXPECT_EQ(target[16], -1);
  request.outputs[0].capacity = 63;
  const InferResponse refused = infer(*model, request);
  EXPECT_EQ(refused.status.code, StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.status.message,
              HasSubstr("'y' [1,16] takes 64 bytes, but the shared memory given for it has 63"));
}

// Every answer of many clients at once, each with its own numbers and number of items.
class Crowd : public ::testing::TestWithParam<uint64_t> {};  // queue delay in microseconds

TEST_P(Crowd, GetsWhatExecutingAloneGives) {
  const Engine engine = conv_engine();
  ModelConfig config = named("conv");
  config.max_batch_size = 4;
  config.dynamic_batching.emplace();
  config.dynamic_batching->max_queue_delay_us = GetParam();
  config.instance_groups.resize(1);
  config.instance_groups[0].count = 2;
  config.instance_groups[0].threads = 1;
  const auto model = load(config, engine);
  constexpr int kClients = 8, kRounds = 25;
  std::vector<int> wrong(kClients, 0);
  std::vector<std::thread> clients;
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&, c] {
      for (int round = 0; round < kRounds; ++round) {
        const int64_t items = 1 + (c + round) % 3;
        const auto x = numbers(static_cast<size_t>(items) * 72, static_cast<uint64_t>(c * 1000 + round));
        const InferRequest request = request_of({float_tensor("x", {items, 2, 6, 6}, x)});
        const auto expected = executed_alone(engine, request);
        const InferResponse response = infer(*model, request);
        const bool same = floats_of(response, "probabilities") == expected.at("probabilities") &&
                          floats_of(response, "picked") == expected.at("picked");
        wrong[static_cast<size_t>(c)] += same ? 0 : 1;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(wrong, ::testing::Each(0));
  EXPECT_EQ(model->statistics().success.count, static_cast<uint64_t>(kClients * kRounds));
}

INSTANTIATE_TEST_SUITE_P(ModelVersion, Crowd, ::testing::Values(0, 2000));

TEST(ModelVersion, ThreadsStayOnTheirCores) {
  const auto model = load(bound_config(), affine_engine());
  cpu_set_t seen;
  CPU_ZERO(&seen);
  std::promise<void> done;
  model->submit(request_of({float_tensor("x", {1, 16}, numbers(16, 1))}), [&](InferResponse&&) {
    sched_getaffinity(0, sizeof(seen), &seen);
    done.set_value();
  });
  done.get_future().wait();
  EXPECT_EQ(CPU_COUNT(&seen), 1);
  EXPECT_TRUE(CPU_ISSET(static_cast<size_t>(model->config().instance_groups[0].cores[0]), &seen));
}

TEST(ModelVersion, OneBadRequestOfABatchFailsAlone) {
  const Engine engine = lookup_engine();
  ModelConfig config = bound_config("lookup");
  config.max_batch_size = 8;
  config.dynamic_batching.emplace();
  config.dynamic_batching->max_queue_delay_us = 1'000'000;
  config.dynamic_batching->preferred_batch_size = {3};
  const auto model = load(config, engine);
  auto first = submit(*model, request_of({int64_tensor("words", {1}, {1})}));
  auto bad = submit(*model, request_of({int64_tensor("words", {1}, {7})}));
  auto last = submit(*model, request_of({int64_tensor("words", {1}, {2})}));
  EXPECT_THAT(floats_of(first.get(), "y"), ElementsAre(10, 11));
  EXPECT_THAT(floats_of(last.get(), "y"), ElementsAre(20, 21));
  const InferResponse failed = bad.get();
  EXPECT_EQ(failed.status.code, StatusCode::kInvalidArgument);
  EXPECT_THAT(failed.status.message, HasSubstr("model 'lookup'"));
  EXPECT_EQ(model->statistics().fail.count, 1U);
}

TEST(ModelVersion, StatesWhatItDid) {
  const auto model = load(named("affine"), affine_engine());
  for (int i = 0; i < 5; ++i) infer(*model, request_of({float_tensor("x", {2, 16}, numbers(32, 1))}));
  infer(*model, request_of({}));
  const VersionState state = model->state();
  EXPECT_EQ(state.statistics.name, "affine");
  EXPECT_EQ(state.statistics.inference_count, 10U);
  EXPECT_EQ(state.statistics.execution_count, 5U);
  EXPECT_EQ(state.statistics.success.count, 5U);
  EXPECT_EQ(state.statistics.fail.count, 1U);
  EXPECT_EQ(state.rejections.invalid, 1U);
  ASSERT_EQ(state.statistics.batches.size(), 1U);
  EXPECT_EQ(state.statistics.batches[0].batch_size, 2U);
  EXPECT_EQ(state.statistics.batches[0].infer.count, 5U);
  EXPECT_EQ(state.total.all.count(), 5U);
  EXPECT_EQ(state.compute.recent.count(), 5U);
  EXPECT_EQ(state.pending, 0U);
  uint64_t executions = 0;
  for (const InstanceState& instance : state.instances) executions += instance.executions;
  EXPECT_EQ(executions, 5U);
  model->drain(Clock::time_point::max());  // an execution takes its instance a moment longer than its answers
  const BatchStatistics batch = model->statistics().batches.at(0);
  EXPECT_EQ(batch.busy.count, 5U);
  EXPECT_GE(batch.busy.ns, batch.input.ns + batch.infer.ns + batch.output.ns);
}

TEST(ModelVersion, TheLastReferenceMayGoInACallback) {
  for (const bool bound : {false, true}) {
    auto model = load(bound ? bound_config() : named("m"), affine_engine());
    std::promise<void> done;
    ModelVersion& version = *model;
    auto holder = std::make_shared<std::shared_ptr<ModelVersion>>(std::move(model));
    version.submit(request_of({float_tensor("x", {1, 16}, numbers(16, 1))}), [holder, &done](InferResponse&&) {
      holder->reset();
      done.set_value();
    });
    done.get_future().wait();
  }
}

}  // namespace
}  // namespace burnish::server
