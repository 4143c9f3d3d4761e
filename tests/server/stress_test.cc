// Everything at once: whatever becomes of a request, it is answered once, and a right answer is right.
#include <random>
#include <thread>

#include "server/server_case.h"

namespace burnish::server {
namespace {

using namespace testing;  // NOLINT: the fixtures of this folder

struct Tally {
  std::atomic<int> submitted{0}, answered{0}, right{0}, wrong{0};
};

InferRequest random_request(std::mt19937& random) {
  const auto items = static_cast<int64_t>(1 + random() % 3), length = static_cast<int64_t>(1 + random() % 40);
  const auto count = static_cast<size_t>(items * length);
  InferRequest request = request_of({float_tensor("x", {items, length}, numbers(count, random())),
                                     float_tensor("mask", {items, length}, std::vector<float>(count, 2))});
  request.priority = random() % 4;
  const auto soon = std::chrono::microseconds(random() % 500);
  if (random() % 5 == 0) request.timeout_us = 1 + random() % 500;
  if (random() % 5 == 0) request.deadline = Clock::now() + soon;
  if (random() % 5 == 0) request.cancelled = std::make_shared<std::atomic<bool>>(random() % 2 == 0);
  if (random() % 9 == 0) request.inputs[0].shape[0] = 7;
  return request;
}

void submit_random(ModelVersion& model, std::mt19937& random, Tally& tally) {
  InferRequest request = random_request(random);
  const auto* x = reinterpret_cast<const float*>(request.inputs[0].data.data);
  std::vector<float> expected(x, x + request.inputs[0].data.size / sizeof(float));
  for (float& v : expected) v *= 2;
  ++tally.submitted;
  model.submit(std::move(request), [&tally, expected = std::move(expected)](InferResponse&& response) {
    ++tally.answered;
    if (!response.status.ok()) return;
    const auto* y = reinterpret_cast<const float*>(response.outputs[0].data.data);
    const bool same =
        std::equal(expected.begin(), expected.end(), y, y + response.outputs[0].data.size / sizeof(float));
    ++(same ? tally.right : tally.wrong);
  });
}

class Stress : public ::testing::TestWithParam<bool> {};  // in the order of requests?

TEST_P(Stress, EveryRequestIsAnsweredOnce) {
  ModelConfig config;
  config.name = "masked";
  config.max_batch_size = 8;
  config.dynamic_batching.emplace();
  config.dynamic_batching->max_queue_delay_us = 100;
  config.dynamic_batching->priority_levels = 3;
  config.dynamic_batching->length_buckets = {8, 16};
  config.dynamic_batching->preserve_ordering = GetParam();
  config.dynamic_batching->default_queue_policy.max_queue_size = 16;
  config.dynamic_batching->priority_queue_policy[3].delay_on_timeout = true;
  config.instance_groups.resize(2);
  config.instance_groups[0] = bound_config().instance_groups[0];
  config.instance_groups[1].count = 2;
  config.instance_groups[1].threads = 1;
  for (uint32_t round = 0; round < 4; ++round) {
    Tally tally;
    auto model = ModelVersion::load(config, "1", masked_engine());
    std::vector<std::thread> clients;
    for (uint32_t c = 0; c < 4; ++c) {
      clients.emplace_back([&, c] {
        std::mt19937 random(10 * round + c);
        for (int i = 0; i < 150; ++i) submit_random(*model, random, tally);
      });
    }
    if (round % 2 == 1) model->drain(Clock::now() + std::chrono::milliseconds(1));  // while they submit
    for (std::thread& client : clients) client.join();
    model->drain(Clock::time_point::max());
    EXPECT_EQ(tally.answered, tally.submitted);
    EXPECT_EQ(tally.wrong, 0);
    const VersionState state = model->state();
    EXPECT_EQ(state.statistics.success.count + state.statistics.fail.count, static_cast<uint64_t>(tally.submitted));
    EXPECT_EQ(state.statistics.success.count, static_cast<uint64_t>(tally.right));
    EXPECT_EQ(state.pending, 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(ModelVersion, Stress, ::testing::Bool());

}  // namespace
}  // namespace burnish::server
