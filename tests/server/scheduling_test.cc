// Who is executed when, and with whom: a gate holds executions up, so that nothing depends on time.
#include <thread>

#include "server/server_case.h"

namespace burnish::server {
namespace {

using namespace testing;  // NOLINT: the fixtures of this folder
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint64_t kLongUs = 600'000'000;

ModelConfig batching(std::vector<int> preferred = {}, uint64_t delay_us = 0) {
  ModelConfig config = bound_config();
  config.max_batch_size = 8;
  config.dynamic_batching.emplace();
  config.dynamic_batching->preferred_batch_size = std::move(preferred);
  config.dynamic_batching->max_queue_delay_us = delay_us;
  return config;
}

std::shared_ptr<ModelVersion> load(const ModelConfig& config, const VersionOptions& options = {}) {
  Gate::get().open();  // for the warm-up
  auto model = ModelVersion::load(config, "1", gated_engine(), options);
  Gate::get().close();
  return {model.get(), [model](ModelVersion*) mutable {
            Gate::get().open();  // what is being executed is waited for
            model.reset();
          }};
}

// Everything that is submitted while the gate holds the first request up waits in the queue.
class Scheduling : public ::testing::Test {
 protected:
  void occupy(ModelVersion& model) {
    first_ = submit(model, gated_request(100));
    Gate::get().wait_for_arrival();
  }
  ClosedGate closed_;
  std::future<InferResponse> first_;
};

TEST_F(Scheduling, WhatWaitsIsExecutedTogether) {
  const auto model = load(batching());
  occupy(*model);
  std::vector<std::future<InferResponse>> answers;
  for (int i = 1; i <= 3; ++i) answers.push_back(submit(*model, gated_request(static_cast<float>(i), i)));
  EXPECT_EQ(model->state().pending, 3U);
  EXPECT_EQ(model->state().executing, 1U);
  Gate::get().open();
  for (int i = 1; i <= 3; ++i) {
    const InferResponse response = answers[static_cast<size_t>(i - 1)].get();
    EXPECT_EQ(floats_of(response, "y"), std::vector<float>(static_cast<size_t>(4 * i), static_cast<float>(i)));
    EXPECT_EQ(response.timing.batch_size, 6U);
  }
  EXPECT_THAT(Gate::get().batches(), ElementsAre(1, 6));
}

TEST_F(Scheduling, WithoutDynamicBatchingEachIsExecutedAlone) {
  ModelConfig config = bound_config();
  config.max_batch_size = 8;
  const auto model = load(config);
  occupy(*model);
  auto a = submit(*model, gated_request(1)), b = submit(*model, gated_request(2, 3));
  Gate::get().open();
  a.get();
  b.get();
  EXPECT_THAT(Gate::get().batches(), ElementsAre(1, 1, 3));
}

TEST_F(Scheduling, ABatchIsNoLargerThanAllowed) {
  const auto model = load(batching());
  occupy(*model);
  std::vector<std::future<InferResponse>> answers;
  for (int i = 0; i < 4; ++i) answers.push_back(submit(*model, gated_request(1, 3)));
  Gate::get().open();
  for (auto& answer : answers) EXPECT_TRUE(answer.get().status.ok());
  EXPECT_THAT(Gate::get().batches(), ElementsAre(1, 6, 6));
}

// Contexts prepare for each size that they meet.
TEST_F(Scheduling, BatchesHaveFewSizes) {
  const auto model = load(batching());
  occupy(*model);
  std::vector<std::future<InferResponse>> answers;
  for (int i = 0; i < 7; ++i) answers.push_back(submit(*model, gated_request(1)));
  Gate::get().open();
  for (auto& answer : answers) EXPECT_TRUE(answer.get().status.ok());
  EXPECT_THAT(Gate::get().batches(), ElementsAre(1, 6, 1));
}

TEST_F(Scheduling, PreferredSizesAreTakenFirst) {
  const auto model = load(batching({2, 4}));
  occupy(*model);
  std::vector<std::future<InferResponse>> answers;
  for (int i = 0; i < 7; ++i) answers.push_back(submit(*model, gated_request(1)));
  Gate::get().open();
  for (auto& answer : answers) answer.get();
  EXPECT_THAT(Gate::get().batches(), ElementsAre(1, 4, 2, 1));
}

TEST_F(Scheduling, ADelayWaitsForThePreferredSize) {
  const auto model = load(batching({4}, kLongUs));
  std::vector<std::future<InferResponse>> answers;
  for (int i = 0; i < 3; ++i) answers.push_back(submit(*model, gated_request(1)));
  EXPECT_EQ(model->state().pending, 3U);
  answers.push_back(submit(*model, gated_request(1)));
  Gate::get().open();
  for (auto& answer : answers) EXPECT_EQ(answer.get().timing.batch_size, 4U);
}

TEST_F(Scheduling, ADelayEnds) {
  const auto model = load(batching({}, 2000));
  Gate::get().let_one_through();
  const InferResponse response = submit(*model, gated_request(1)).get();
  EXPECT_EQ(response.timing.batch_size, 1U);
  EXPECT_GE(response.timing.queue_ns, 2'000'000U);
}

TEST_F(Scheduling, HigherPrioritiesGoFirst) {
  ModelConfig config = batching({1});
  config.dynamic_batching->priority_levels = 3;
  config.dynamic_batching->default_priority_level = 2;
  const auto model = load(config);
  occupy(*model);
  std::vector<std::future<InferResponse>> answers;
  const uint64_t priorities[] = {3, 0, 1, 2, 9, 1};
  for (size_t i = 0; i < std::size(priorities); ++i) {
    InferRequest request = gated_request(static_cast<float>(i));
    request.priority = priorities[i];
    answers.push_back(submit(*model, std::move(request)));
  }
  Gate::get().open();
  for (auto& answer : answers) answer.get();
  EXPECT_THAT(Gate::get().order(), ElementsAre(100, 2, 5, 1, 3, 4, 0));
}

TEST_F(Scheduling, ABatchIsFilledUpWithLowerPriorities) {
  ModelConfig config = batching();
  config.dynamic_batching->priority_levels = 2;
  const auto model = load(config);
  occupy(*model);
  std::vector<std::future<InferResponse>> answers;
  for (const uint64_t priority : {2, 1}) {
    InferRequest request = gated_request(static_cast<float>(priority));
    request.priority = priority;
    answers.push_back(submit(*model, std::move(request)));
  }
  Gate::get().open();
  for (auto& answer : answers) answer.get();
  EXPECT_THAT(Gate::get().order(), ElementsAre(100, 1, 2));
  EXPECT_THAT(Gate::get().batches(), ElementsAre(1, 2));
}

TEST_F(Scheduling, AFullQueueRefuses) {
  ModelConfig config = batching();
  config.dynamic_batching->default_queue_policy.max_queue_size = 2;
  const auto model = load(config);
  occupy(*model);
  auto a = submit(*model, gated_request(1)), b = submit(*model, gated_request(2));
  const InferResponse refused = infer(*model, gated_request(3));
  EXPECT_EQ(refused.status.code, StatusCode::kResourceExhausted);
  EXPECT_THAT(refused.status.message, HasSubstr("the queue is full: 2 requests wait"));
  Gate::get().open();
  EXPECT_TRUE(a.get().status.ok());
  EXPECT_TRUE(b.get().status.ok());
  EXPECT_EQ(model->state().rejections.queue_full, 1U);
}

TEST_F(Scheduling, TheServersBoundHoldsWithoutAPolicy) {
  VersionOptions options;
  options.max_queue_size = 1;
  const auto model = load(bound_config(), options);
  occupy(*model);
  auto waiting = submit(*model, gated_request(1));
  EXPECT_EQ(infer(*model, gated_request(2)).status.code, StatusCode::kResourceExhausted);
  Gate::get().open();
  EXPECT_TRUE(waiting.get().status.ok());
}

TEST_F(Scheduling, CancelledRequestsAreNotExecutedAndLeaveAFullQueue) {
  ModelConfig config = batching({1});
  config.dynamic_batching->default_queue_policy.max_queue_size = 1;
  const auto model = load(config);
  occupy(*model);
  const auto cancelled = std::make_shared<std::atomic<bool>>(false);
  InferRequest request = gated_request(1);
  request.cancelled = cancelled;
  auto gone = submit(*model, std::move(request));
  *cancelled = true;
  auto next = submit(*model, gated_request(2));
  EXPECT_EQ(gone.get().status.code, StatusCode::kCancelled);
  Gate::get().open();
  EXPECT_TRUE(next.get().status.ok());
  EXPECT_THAT(Gate::get().order(), ElementsAre(100, 2));
  EXPECT_EQ(model->state().rejections.cancelled, 1U);
}

TEST_F(Scheduling, ATimeoutIsAnsweredWhileTheInstanceIsBusy) {
  const auto model = load(batching());
  occupy(*model);
  InferRequest request = gated_request(1);
  request.timeout_us = 1000;
  const InferResponse response = infer(*model, std::move(request));
  EXPECT_EQ(response.status.code, StatusCode::kDeadlineExceeded);
  EXPECT_THAT(response.status.message, HasSubstr("longer than its timeout of 1.0 ms"));
  EXPECT_EQ(model->state().rejections.timed_out, 1U);
  EXPECT_EQ(model->state().pending, 0U);
}

TEST_F(Scheduling, ARequestMayShortenItsTimeoutButNotLengthenIt) {
  ModelConfig config = batching();
  config.dynamic_batching->priority_levels = 2;  // the first request has the other one
  config.dynamic_batching->priority_queue_policy[2].default_timeout_us = 2000;
  config.dynamic_batching->default_priority_level = 1;
  const auto model = load(config);
  occupy(*model);
  InferRequest request = gated_request(1);
  request.priority = 2;
  request.timeout_us = 1000;
  EXPECT_THAT(infer(*model, request).status.message, HasSubstr("timeout of 1.0 ms"));
  request.timeout_us = kLongUs;
  EXPECT_THAT(infer(*model, request).status.message, HasSubstr("timeout of 2.0 ms"));
}

TEST_F(Scheduling, DelayedRequestsAreServedAfterTheOthers) {
  ModelConfig config = batching({1});
  config.dynamic_batching->default_queue_policy.delay_on_timeout = true;
  const auto model = load(config);
  occupy(*model);
  InferRequest hasty = gated_request(1);
  hasty.timeout_us = 1;
  auto late = submit(*model, std::move(hasty));
  auto next = submit(*model, gated_request(2));
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // more than its timeout, whatever comes
  Gate::get().open();
  EXPECT_TRUE(late.get().status.ok());
  EXPECT_TRUE(next.get().status.ok());
  EXPECT_THAT(Gate::get().order(), ElementsAre(100, 2, 1));
}

TEST_F(Scheduling, ADeadlineThatHasPassedIsRefusedAtOnce) {
  const auto model = load(batching());
  InferRequest request = gated_request(1);
  request.deadline = Clock::now() - std::chrono::seconds(1);
  const InferResponse response = infer(*model, std::move(request));
  EXPECT_EQ(response.status.code, StatusCode::kDeadlineExceeded);
  EXPECT_THAT(response.status.message, HasSubstr("had passed"));
  EXPECT_EQ(model->state().rejections.too_late, 1U);
}

TEST_F(Scheduling, ADeadlineThatPassesWhileWaitingIsAnswered) {
  const auto model = load(batching());
  occupy(*model);
  InferRequest request = gated_request(1);
  request.deadline = Clock::now() + std::chrono::milliseconds(20);
  EXPECT_EQ(infer(*model, std::move(request)).status.code, StatusCode::kDeadlineExceeded);
  Gate::get().open();
  EXPECT_TRUE(first_.get().status.ok());
  EXPECT_THAT(Gate::get().order(), ElementsAre(100));
}

TEST_F(Scheduling, DrainingAnswersWhatWaitsAndRefusesWhatComes) {
  const auto model = load(batching({8}, kLongUs));
  auto waiting = submit(*model, gated_request(1));
  std::thread drainer([&] { EXPECT_TRUE(model->drain(Clock::time_point::max())); });
  Gate::get().wait_for_arrival();  // its delay is not waited for
  const InferResponse refused = infer(*model, gated_request(2));
  EXPECT_EQ(refused.status.code, StatusCode::kUnavailable);
  EXPECT_THAT(refused.status.message, HasSubstr("version 1 is being unloaded"));
  Gate::get().open();
  drainer.join();
  EXPECT_TRUE(waiting.get().status.ok());
  EXPECT_TRUE(model->drain(Clock::now()));
  EXPECT_EQ(infer(*model, gated_request(2)).status.code, StatusCode::kUnavailable);
}

TEST_F(Scheduling, DrainingRefusesWhatStillWaitsAtItsDeadline) {
  ModelConfig config = bound_config();
  config.max_batch_size = 8;
  const auto model = load(config);
  occupy(*model);
  auto waiting = submit(*model, gated_request(1));
  std::thread drainer([&] { EXPECT_FALSE(model->drain(Clock::now())); });
  EXPECT_EQ(waiting.get().status.code, StatusCode::kUnavailable);
  Gate::get().open();
  drainer.join();
  EXPECT_TRUE(first_.get().status.ok());
}

TEST_F(Scheduling, TwoInstancesWorkAtOnce) {
  ModelConfig config = bound_config();
  config.max_batch_size = 8;
  config.instance_groups[0].count = 2;
  const auto model = load(config);
  auto a = submit(*model, gated_request(1)), b = submit(*model, gated_request(2));
  while (Gate::get().batches().size() < 2) std::this_thread::yield();
  Gate::get().open();
  EXPECT_TRUE(a.get().status.ok());
  EXPECT_TRUE(b.get().status.ok());
}

TEST(Guests, ShortWorkIsDoneByTheCaller) {
  ModelConfig config;
  config.name = "affine";
  const auto model = ModelVersion::load(config, "1", affine_engine());
  std::thread::id executor;
  for (int i = 0; i < 1000 && executor != std::this_thread::get_id(); ++i) {
    std::promise<void> done;
    model->submit(request_of({float_tensor("x", {1, 16}, numbers(16, 1))}), [&](InferResponse&&) {
      executor = std::this_thread::get_id();
      done.set_value();
    });
    done.get_future().wait();
  }
  EXPECT_EQ(executor, std::this_thread::get_id());
}

TEST(Guests, CallbacksMaySubmitAgain) {
  ModelConfig config;
  config.name = "affine";
  const auto model = ModelVersion::load(config, "1", affine_engine());
  std::promise<void> done;
  int left = 1000;
  std::function<void(InferResponse &&)> again = [&](InferResponse&& response) {
    if (!response.status.ok() || --left == 0) return done.set_value();
    model->submit(request_of({float_tensor("x", {1, 16}, numbers(16, 1))}), again);
  };
  model->submit(request_of({float_tensor("x", {1, 16}, numbers(16, 1))}), again);
  done.get_future().wait();
  EXPECT_EQ(left, 0);
}

}  // namespace
}  // namespace burnish::server
