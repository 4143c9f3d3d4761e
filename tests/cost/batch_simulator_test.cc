// The simulator against queueing theory, cases by hand, and a slower one that follows every event.
#include "cost/batch_simulator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <limits>
#include <random>

#include "base/error.h"
#include "cost/queueing.h"

namespace burnish::cost {
namespace {

constexpr int64_t kMany = 1'000'000;

BatchServer constant_server(int num_servers, double service_s) {
  return {num_servers, 1, 0, [=](int) { return service_s; }};
}

std::vector<double> every_second(int count) {
  std::vector<double> times;
  for (int i = 0; i < count; ++i) times.push_back(i);
  return times;
}

class PoissonQueues : public ::testing::TestWithParam<std::pair<int, double>> {};

TEST_P(PoissonQueues, ConstantServiceWaitsAsTheoryDoes) {
  const auto [c, load] = GetParam();
  const auto result = simulate(constant_server(c, 0.01), poisson_arrivals(kMany, 7), 0.01 / (c * load));
  const double theory = mdc_mean_wait_s({c, c * load / 0.01, 0.01});
  EXPECT_NEAR(result.mean_wait_s, theory, 0.02 * theory);
  EXPECT_NEAR(result.busy_share, load, 0.01 * load);
  EXPECT_EQ(result.mean_batch, 1);
}

TEST_P(PoissonQueues, ExponentialServiceWaitsAsTheoryDoes) {
  const auto [c, load] = GetParam();
  std::mt19937_64 generator(11);
  std::exponential_distribution<double> service(100);
  const BatchServer server{c, 1, 0, [&](int) { return service(generator); }};
  const auto result = simulate(server, poisson_arrivals(kMany, 8), 0.01 / (c * load));
  const double theory = mmc_mean_wait_s({c, c * load / 0.01, 0.01});
  EXPECT_NEAR(result.mean_wait_s, theory, 0.02 * theory);
}

INSTANTIATE_TEST_SUITE_P(LoadsAndServers, PoissonQueues,
                         ::testing::Values(std::pair{1, 0.3}, std::pair{1, 0.7}, std::pair{2, 0.6}, std::pair{4, 0.8}));

TEST(BatchSimulator, TailOfOneExponentialServer) {
  std::mt19937_64 generator(3);
  std::exponential_distribution<double> service(1);
  const BatchServer server{1, 1, 0, [&](int) { return service(generator); }};
  const auto result = simulate(server, poisson_arrivals(kMany, 4), 1 / 0.6);
  // Latency in M/M/1 is exponential with rate μ - λ.
  EXPECT_NEAR(result.p50_s, std::log(2) / 0.4, 0.02 * result.p50_s);
  EXPECT_NEAR(result.p90_s, std::log(10) / 0.4, 0.02 * result.p90_s);
  EXPECT_NEAR(result.p99_s, std::log(100) / 0.4, 0.03 * result.p99_s);
}

TEST(BatchSimulator, ABusyServerLetsBatchesForm) {
  // Starts at 0, 1.5, 3, 4.5, …; one and two requests wait there by turns.
  const BatchServer server{1, 2, 0, [](int) { return 1.5; }};
  const auto result = simulate(server, every_second(3000));
  EXPECT_NEAR(result.mean_batch, 1.5, 1e-3);
  EXPECT_NEAR(result.busy_share, 1, 1e-6);
  EXPECT_NEAR(result.items_per_s, 1, 1e-3);
}

TEST(BatchSimulator, AFullBatchStartsAtOnce) {
  const BatchServer server{1, 4, 10, [](int batch) { return 0.1 * batch; }};
  const auto result = simulate(server, every_second(4000));
  EXPECT_EQ(result.mean_batch, 4);
  EXPECT_NEAR(result.mean_wait_s, (3 + 2 + 1 + 0) / 4.0, 1e-9);
  EXPECT_NEAR(result.p99_s, 3.4, 1e-9);
}

TEST(BatchSimulator, TheOldestWaitsNoLongerThanTheDelay) {
  const BatchServer server{1, 4, 1.5, [](int) { return 0.25; }};
  const auto result = simulate(server, every_second(4000));
  EXPECT_EQ(result.mean_batch, 2);
  EXPECT_NEAR(result.mean_wait_s, (1.5 + 0.5) / 2, 1e-9);
  EXPECT_NEAR(result.busy_share, 0.125, 1e-3);
}

TEST(BatchSimulator, BurnishFormsBatchesOfPreparedSizes) {
  // Five come at once, every ten seconds: four go together, then one.
  std::vector<double> fives;
  for (int i = 0; i < 1000; ++i) fives.push_back(10.0 * (i / 5));
  const auto result = simulate({1, 8, 0, [](int) { return 1.0; }, true}, fives);
  EXPECT_EQ(result.mean_batch, 2.5);
  EXPECT_NEAR(result.mean_latency_s, (4 * 1 + 2) / 5.0, 1e-9);
  EXPECT_EQ(simulate({1, 8, 0, [](int) { return 1.0; }}, fives).mean_batch, 5);
}

/// Mean latency of all requests, by looking at every event in turn.
double mean_latency_by_events(const BatchServer& server, const std::vector<double>& arrivals) {
  std::vector<double> free_at(static_cast<size_t>(server.num_servers), 0);
  std::deque<double> queue;
  size_t next = 0;
  double now = 0, sum = 0;
  while (next < arrivals.size() || !queue.empty()) {
    while (next < arrivals.size() && arrivals[next] <= now) queue.push_back(arrivals[next++]);
    const auto idle = std::ranges::min_element(free_at);
    const bool is_full = static_cast<int>(queue.size()) >= server.max_batch;
    if (!queue.empty() && *idle <= now && (is_full || queue.front() + server.queue_delay_s <= now)) {
      const int batch = std::min<int>(server.max_batch, static_cast<int>(queue.size()));
      *idle = now + server.service_s(batch);
      for (int i = 0; i < batch; ++i, queue.pop_front()) sum += *idle - queue.front();
      continue;
    }
    double event = next < arrivals.size() ? arrivals[next] : std::numeric_limits<double>::infinity();
    if (!queue.empty()) {
      if (*idle > now) event = std::min(event, *idle);
      if (queue.front() + server.queue_delay_s > now) event = std::min(event, queue.front() + server.queue_delay_s);
    }
    now = event;
  }
  return sum / static_cast<double>(arrivals.size());
}

TEST(BatchSimulator, AgreesWithASimulationOfEveryEvent) {
  for (const int servers : {1, 3}) {
    for (const int max_batch : {1, 3, 8}) {
      for (const double delay : {0.0, 0.4, 3.0}) {
        // The first tenth, which the simulator leaves out, comes long before the rest and all alone.
        const auto random = poisson_arrivals(9000, 5);
        std::vector<double> arrivals;
        for (int i = 0; i < 1000; ++i) arrivals.push_back(i * 0.001);
        for (const double t : random) arrivals.push_back(1e5 + t / (2.0 * servers));
        std::vector<double> counted(arrivals.begin() + 1000, arrivals.end());
        const BatchServer server{servers, max_batch, delay, [](int b) { return 0.2 + 0.15 * b; }};
        EXPECT_NEAR(simulate(server, arrivals).mean_latency_s, mean_latency_by_events(server, counted), 1e-6)
            << servers << " servers, batches up to " << max_batch << ", delay " << delay;
      }
    }
  }
}

TEST(BatchSimulator, TheSameSeedGivesTheSameFigures) {
  const BatchServer server{2, 4, 0.1, [](int b) { return 0.5 + 0.1 * b; }};
  const auto once = simulate(server, poisson_arrivals(10000, 1), 0.3),
             again = simulate(server, poisson_arrivals(10000, 1), 0.3);
  EXPECT_EQ(once.p99_s, again.p99_s);
  EXPECT_EQ(once.mean_batch, again.mean_batch);
  EXPECT_NE(once.p99_s, simulate(server, poisson_arrivals(10000, 2), 0.3).p99_s);
}

TEST(BatchSimulator, MoreLoadMeansLargerBatchesAndLongerLatency) {
  const BatchServer server{1, 16, 0, [](int b) { return 0.8 + 0.05 * b; }};
  SimulationResult last;
  for (const double rate : {0.2, 0.8, 2.0, 6.0}) {
    const auto result = simulate(server, poisson_arrivals(100000, 9), 1 / rate);
    EXPECT_GT(result.mean_batch, last.mean_batch);
    EXPECT_GT(result.p99_s, last.p99_s);
    last = result;
  }
}

TEST(BatchSimulator, RefusesWhatMakesNoSense) {
  const std::vector<double> backwards = {3, 2, 1, 4, 5, 6, 7, 8, 9, 10};
  EXPECT_THROW(simulate(constant_server(1, 1), backwards), Error);
  EXPECT_THROW(simulate(constant_server(0, 1), every_second(100)), Error);
  EXPECT_THROW(simulate(constant_server(1, 1), every_second(9)), Error);
  EXPECT_THROW(simulate(constant_server(1, 1), every_second(100), 0), Error);
}

}  // namespace
}  // namespace burnish::cost
