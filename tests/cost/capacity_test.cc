// What instances carry, and how many are needed.
#include "cost/capacity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "cost/availability.h"
#include "cost/error_of.h"

namespace burnish::cost {
namespace {

using ::testing::HasSubstr;

Capacity capacity_of(std::map<int, double> times, const ServiceLevel& level) {
  static const auto arrivals = std::make_shared<const std::vector<double>>(poisson_arrivals(30000, 1));
  return {Instance{LatencyCurve(std::move(times))}, level, arrivals};
}

TEST(Capacity, WithALooseTargetTheUtilisationBinds) {
  Capacity capacity = capacity_of({{1, 0.01}}, {.p99_s = 10, .max_utilisation = 0.75});
  for (const int n : {1, 2, 7, 500}) EXPECT_NEAR(capacity.rate_per_s(n), 75 * n, 1e-9 * n);
  EXPECT_EQ(capacity.instances_for(75), 1);
  EXPECT_EQ(capacity.instances_for(75.1), 2);
  EXPECT_EQ(capacity.instances_for(3750), 50);
}

TEST(Capacity, ATightTargetBinds) {
  const ServiceLevel level{.p99_s = 0.02, .max_utilisation = 0.95};
  Capacity capacity = capacity_of({{1, 0.01}}, level);
  const double rate = capacity.rate_per_s(1);
  EXPECT_LT(rate, 95 * 0.7);
  EXPECT_LE(capacity.operate(1, rate).simulated.p99_s, level.p99_s);
  EXPECT_GT(capacity.operate(1, rate * 1.02).simulated.p99_s, level.p99_s);
}

TEST(Capacity, InstancesThatShareAQueueCarryMoreEach) {
  Capacity capacity = capacity_of({{1, 0.01}}, {.p99_s = 0.02, .max_utilisation = 0.95});
  for (int n = 1; n < 20; ++n) {
    EXPECT_GE(capacity.rate_per_s(n + 1) / (n + 1), capacity.rate_per_s(n) / n * 0.995) << n;
    EXPECT_GT(capacity.rate_per_s(n + 1), capacity.rate_per_s(n)) << n;
  }
}

TEST(Capacity, WhatACountCarriesNeedsThatCount) {
  Capacity capacity = capacity_of({{1, 0.01}, {8, 0.04}}, {.p99_s = 0.03, .max_utilisation = 0.9});
  for (const int n : {1, 2, 3, 9, 33, 40, 47, 64, 100}) {
    EXPECT_EQ(capacity.instances_for(capacity.rate_per_s(n)), n);
    EXPECT_EQ(capacity.instances_for(capacity.rate_per_s(n) * 1.001), n + 1);
  }
}

TEST(Capacity, MoreTrafficOrSlowerServiceNeverNeedsLess) {
  const ServiceLevel level{.p99_s = 0.06, .max_utilisation = 0.8};
  Capacity fast = capacity_of({{1, 0.010}, {4, 0.025}}, level), slow = capacity_of({{1, 0.013}, {4, 0.0325}}, level);
  int last = 0;
  for (const double rate : {1.0, 30.0, 100.0, 170.0, 400.0, 1000.0, 5000.0}) {
    const int needed = fast.instances_for(rate);
    EXPECT_GE(needed, last);
    EXPECT_GE(slow.instances_for(rate), needed);
    last = needed;
  }
}

TEST(Capacity, BatchesCarryMoreWhereTheTargetLeavesTime) {
  const std::map<int, double> times = {{1, 0.01}, {8, 0.02}};
  Capacity batched = capacity_of(times, {.p99_s = 0.1});
  Capacity single = capacity_of(times, {.p99_s = 0.1, .max_batch = 1});
  EXPECT_GT(batched.rate_per_s(1), 3 * single.rate_per_s(1));
  EXPECT_EQ(batched.operate(1, 200).max_batch, 8);
  EXPECT_GT(batched.operate(1, 200).simulated.mean_batch, 2);
}

TEST(Capacity, BatchesTooSlowForTheTargetAreNotFormed) {
  Capacity capacity = capacity_of({{1, 0.01}, {2, 0.015}, {3, 0.06}}, {.p99_s = 0.05});
  EXPECT_EQ(capacity.operate(1, 60).max_batch, 2);
}

TEST(Capacity, LanesCount) {
  const auto arrivals = std::make_shared<const std::vector<double>>(poisson_arrivals(30000, 1));
  Capacity capacity(Instance{LatencyCurve({{1, 0.01}}), 4}, {.p99_s = 10, .max_utilisation = 0.5}, arrivals);
  EXPECT_NEAR(capacity.rate_per_s(1), 200, 1e-6);
}

TEST(Capacity, RefusesWhatMakesNoSense) {
  EXPECT_THAT(
      error_of([] {
        capacity_of({{1, 0.01}}, {.p99_s = 0.005});
      }),
      HasSubstr("the p99 target of 5 ms is below what a request takes on an idle instance: service time 10 ms"));
  EXPECT_THAT(error_of([] {
                capacity_of({{1, 0.01}, {4, 0.02}}, {.p99_s = 0.02, .queue_delay_s = 0.015});
              }),
              HasSubstr("waiting for a batch 15 ms"));
  EXPECT_THAT(error_of([] {
                capacity_of({{1, 0.01}}, {.p99_s = 0.1, .max_utilisation = 1});
              }),
              HasSubstr("it must lie above 0 and below 1"));
  EXPECT_THAT(error_of([] {
                capacity_of({{1, 0.01}}, {.p99_s = 0.1, .max_batch = 4});
              }),
              HasSubstr("1 to 1 were measured"));
  EXPECT_THAT(error_of([] { capacity_of({{1, 0.01}}, {.p99_s = 0.1}).instances_for(1e9); }), HasSubstr("units"));
}

TEST(LatencyCurve, InterpolatesAndNeverExtrapolates) {
  const LatencyCurve curve({{2, 0.010}, {8, 0.022}});
  EXPECT_DOUBLE_EQ(curve.seconds(1), 0.010);
  EXPECT_DOUBLE_EQ(curve.seconds(5), 0.016);
  EXPECT_DOUBLE_EQ(curve.seconds(8), 0.022);
  EXPECT_THROW(curve.seconds(9), Error);
  EXPECT_DOUBLE_EQ(curve.best_items_per_s(8), 8 / 0.022);
  EXPECT_DOUBLE_EQ(curve.scaled(2).seconds(5), 0.032);
}

TEST(LatencyCurve, RefusesTimesOfItemsInsteadOfBatches) {
  EXPECT_THAT(error_of([] { LatencyCurve({{1, 0.010}, {8, 0.007}}); }), HasSubstr("give the time of a whole batch"));
  EXPECT_THROW(LatencyCurve({{0, 0.1}}), Error);
  EXPECT_THROW(LatencyCurve({{1, -0.1}}), Error);
  EXPECT_THROW(LatencyCurve({}), Error);
}

TEST(Availability, CountsSparesByTheBinomialDistribution) {
  EXPECT_EQ(spares_for(1, 0.95, 0.99), 0);
  EXPECT_EQ(spares_for(1, 0.999, 0.99), 1);    // 1 - 0.01²
  EXPECT_EQ(spares_for(1, 0.99995, 0.99), 2);  // 1 - 0.01³
  EXPECT_EQ(spares_for(2, 0.9, 0.9), 1);       // 0.81; 0.9³ + 3 · 0.9² · 0.1 = 0.972
  EXPECT_GT(spares_for(1000, 0.999, 0.99), spares_for(10, 0.999, 0.99));
  EXPECT_THROW(spares_for(1, 1, 0.99), Error);
  EXPECT_THROW(spares_for(1, 0.99, 0), Error);
  EXPECT_THROW(spares_for(1000, 0.999, 0.1), Error);
}

}  // namespace
}  // namespace burnish::cost
