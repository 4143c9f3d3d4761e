#include "server/advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "observed.h"

namespace burnish::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kMs;
using testing::Load;
using testing::version_state;

std::vector<std::string> advice_on(const VersionState& state) {
  return advice(activity_of(state), state);
}

TEST(Advice, NothingIsSaidOfWhatWorksWell) {
  EXPECT_THAT(advice_on(version_state(
                  {.requests = 4000, .executions = 1000, .queue_ns = kMs, .compute_ns = 2 * kMs, .busy = 0.7})),
              IsEmpty());
}

TEST(Advice, FewRequestsTellNothing) {
  EXPECT_THAT(advice_on(version_state({.requests = 10, .executions = 10, .busy = 0.01})), IsEmpty());
}

TEST(Advice, IdleInstancesWithHowManyWouldDo) {
  EXPECT_THAT(
      advice_on(version_state({.requests = 1000, .executions = 400, .compute_ns = kMs, .busy = 0.22, .instances = 4})),
      ElementsAre("instances idle 78 % of the time: 2 of 4 would do (instance_group count)"));
  EXPECT_THAT(advice_on(version_state({.requests = 1000, .executions = 400, .compute_ns = kMs, .busy = 0.22})),
              ElementsAre("instances idle 78 % of the time"));
}

TEST(Advice, SmallBatchesWhileRequestsWait) {
  VersionState state =
      version_state({.requests = 1100, .executions = 1000, .queue_ns = 4 * kMs, .compute_ns = 4 * kMs, .busy = 0.8});
  EXPECT_THAT(advice_on(state), ElementsAre(AllOf(HasSubstr("batches are 1.1 on average"),
                                                  HasSubstr("raise max_queue_delay_microseconds (now 0)"))));
  state.max_batch_size = 1;
  EXPECT_THAT(advice_on(state), IsEmpty()) << "a version that cannot batch";
}

TEST(Advice, ADelayThatBringsNothing) {
  VersionState state =
      version_state({.requests = 1000, .executions = 1000, .queue_ns = 5 * kMs, .compute_ns = kMs, .busy = 0.45});
  state.queue_delay_us = 5000;
  EXPECT_THAT(advice_on(state), ElementsAre(HasSubstr("lower max_queue_delay_microseconds (now 5000)")));
}

TEST(Advice, FullBatchesAndOverload) {
  const VersionState state =
      version_state({.requests = 8000, .executions = 1000, .queue_ns = 90 * kMs, .compute_ns = 9 * kMs, .busy = 0.99});
  EXPECT_THAT(advice_on(state),
              ElementsAre(HasSubstr("wait longer than they compute"), HasSubstr("batches are full (8.0 of 8)")));
}

TEST(Advice, RefusedRequestsAreCountedAmongAll) {
  VersionState state = version_state({.requests = 900, .executions = 300, .compute_ns = kMs, .busy = 0.7});
  state.rejections.queue_full = 50;
  state.rejections.timed_out = 30;
  state.rejections.too_late = 20;
  EXPECT_THAT(advice_on(state), ElementsAre(HasSubstr("5.0 % of requests found the queue full"),
                                            HasSubstr("5.0 % of requests could not be answered in time")));
}

TEST(Advice, CopiesAndCaches) {
  VersionState state = version_state({.requests = 900, .executions = 300, .compute_ns = kMs, .busy = 0.7});
  state.statistics.compute_input = state.statistics.compute_infer;
  state.statistics.cache_miss = {900, 0};
  EXPECT_THAT(advice_on(state), ElementsAre(HasSubstr("50 % of the compute time goes into inputs and outputs"),
                                            HasSubstr("the response cache answers 0.0 %")));
}

TEST(Advice, TheAdvisorSpeaksOfTheLastMinute) {
  Advisor advisor;
  const std::chrono::steady_clock::time_point start{};
  Snapshot::Model model = testing::ready_model(
      "m", version_state({.requests = 4000, .executions = 1000, .queue_ns = kMs, .compute_ns = 2 * kMs, .busy = 0.7}));
  EXPECT_THAT(advisor.advise(model, start), IsEmpty());
  // A minute in which little is done, after much.
  model.state.alive_ns += 60 * testing::kSecond;
  model.state.instances[0].busy_ns += testing::kSecond;
  model.state.statistics.success.count += 100;
  model.state.statistics.inference_count += 100;
  model.state.statistics.execution_count += 30;
  EXPECT_THAT(advisor.advise(model, start + std::chrono::seconds(60)), ElementsAre("instances idle 98 % of the time"));
}

TEST(Advice, OnTheServerAsAWhole) {
  Snapshot snapshot;
  EXPECT_THAT(server_advice(snapshot), IsEmpty());
  snapshot.models.push_back({{"broken", "1", "UNAVAILABLE", "no engine"}, {}});
  snapshot.models.push_back(testing::ready_model("m", version_state({.instances = 1})));
  snapshot.models[1].state.instances[0].threads = 100000;
  EXPECT_THAT(server_advice(snapshot),
              ElementsAre(HasSubstr("1 model version could not be loaded"), HasSubstr("100000 threads for")));
}

}  // namespace
}  // namespace burnish::server
