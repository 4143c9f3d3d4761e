// Advice and its predictions, in cases whose answer is known.
#include "cost/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cost/error_of.h"
#include "cost/queueing.h"

namespace burnish::cost {
namespace {

using ::testing::HasSubstr;

using Times = std::map<int, double>;

/// Requests of one item at a rate for ten seconds, that the metrics tell no more of.
AuditInputs steady(double rate_per_s, const Times& times, ServingSettings now) {
  AuditInputs inputs{{}, now, LatencyCurve(times), {}};
  Observation& seen = inputs.seen;
  seen.seconds = 10;
  seen.requests = seen.items = seen.executions = 10 * rate_per_s;
  seen.mean_compute_s = times.begin()->second;
  seen.mean_latency_s = 2 * seen.mean_compute_s;
  seen.mean_queue_s = 0.5 * seen.mean_compute_s;
  return inputs;
}

TEST(PoissonAudit, UtilisationQueueAndInstancesByHand) {
  const Audit audit = make_audit(steady(70, {{1, 0.010}}, {4, 1, 0}));
  EXPECT_NEAR(audit.busy_share, 70 * 0.010 / 4, 1e-9);
  EXPECT_NEAR(audit.queue_share, 0.25, 1e-9);
  EXPECT_TRUE(audit.is_poisson);
  EXPECT_NEAR(audit.rate_per_s, 70, 1e-9);
  EXPECT_NEAR(audit.replayed.utilisation, 0.175, 1e-9);
  ASSERT_TRUE(audit.sufficient);
  EXPECT_EQ(audit.sufficient->settings.instances, 1);  // 70 % of it; 80 % is the limit
  const double theory = mdc_mean_wait_s({1, 70, 0.010});
  EXPECT_NEAR(audit.sufficient->simulated.mean_wait_s, theory, 0.05 * theory);
  ASSERT_EQ(audit.advice.size(), 1u);
  EXPECT_EQ(audit.advice[0].benefit, Benefit::kFewerInstances);
  EXPECT_NEAR(audit.advice[0].throughput_factor, 0.25, 1e-9);
  EXPECT_GT(audit.advice[0].p99_change_s, 0);
}

TEST(PoissonAudit, ATargetNeedsMoreInstances) {
  AuditInputs inputs = steady(70, {{1, 0.010}}, {1, 1, 0});
  inputs.target.p99_s = 0.020;
  const Audit audit = make_audit(inputs);
  ASSERT_TRUE(audit.sufficient);
  EXPECT_EQ(audit.sufficient->settings.instances, 2);
  ASSERT_FALSE(audit.advice.empty());
  EXPECT_EQ(audit.advice[0].benefit, Benefit::kHoldsTarget);
  EXPECT_EQ(audit.advice[0].predicted.settings, (ServingSettings{2, 1, 0}));
  EXPECT_LE(audit.advice[0].predicted.simulated.p99_s, 0.020);
  inputs.target.p99_s = 0.009;  // less than one takes
  EXPECT_FALSE(make_audit(inputs).sufficient);
}

TEST(PoissonAudit, BatchingCarriesAsMuchAsItsTimesSay) {
  // Alone 100 a second, in batches of eight 8 / 16 ms = 500.
  const Audit audit = make_audit(steady(90, {{1, 0.010}, {8, 0.016}}, {1, 1, 0}));
  ASSERT_FALSE(audit.advice.empty());
  const Advice& best = audit.advice[0];
  EXPECT_EQ(best.benefit, Benefit::kHoldsTarget);  // 90 % are over the limit
  EXPECT_EQ(best.predicted.settings, (ServingSettings{1, 8, 0}));
  EXPECT_NEAR(best.throughput_factor, 5, 1e-9);
  EXPECT_LT(best.p99_change_s, 0);
  EXPECT_GT(best.predicted.simulated.mean_batch, 1);
}

TEST(PoissonAudit, BatchingSavesInstances) {
  const Audit audit = make_audit(steady(300, {{1, 0.010}, {8, 0.016}}, {4, 1, 0}));
  ASSERT_FALSE(audit.advice.empty());
  EXPECT_EQ(audit.advice[0].benefit, Benefit::kFewerInstances);
  EXPECT_EQ(audit.advice[0].predicted.settings.instances, 1);
  EXPECT_EQ(audit.advice[0].predicted.settings.max_batch, 8);
}

TEST(PoissonAudit, ADelayThatOnlyCostsTimeGoes) {
  const Audit audit = make_audit(steady(10, {{1, 0.010}, {8, 0.080}}, {1, 8, 0.005}));
  const auto it = std::ranges::find(audit.advice, Benefit::kLatency, &Advice::benefit);
  ASSERT_NE(it, audit.advice.end());
  EXPECT_EQ(it->predicted.settings.queue_delay_s, 0);
  EXPECT_LT(it->p99_change_s, -0.001);
}

TEST(PoissonAudit, WhatWasNotSeenIsNoReasonToSetLess) {
  // Up to 16 are set, yet only the times of 1 and 4 are known.
  const Audit audit = make_audit(steady(60, {{1, 0.010}, {4, 0.011}}, {1, 16, 0}));
  ASSERT_FALSE(audit.advice.empty());
  for (const Advice& advice : audit.advice) EXPECT_EQ(advice.predicted.settings.max_batch, 16);
}

TEST(Audit, TheObservedMomentsAreReplayed) {
  // One every 10 ms, exactly: at 9 ms each none waits, where Poisson arrivals would.
  AuditInputs inputs = steady(100, {{1, 0.009}}, {1, 1, 0});
  for (int i = 0; i < 1000; ++i) inputs.seen.arrivals_s.push_back(i * 0.010);
  const Audit audit = make_audit(inputs);
  EXPECT_FALSE(audit.is_poisson);
  EXPECT_NEAR(audit.replayed.simulated.p99_s, 0.009, 1e-9);
}

TEST(Audit, RequestsOfSeveralItemsAreBatchedWhole) {
  AuditInputs inputs = steady(50, {{2, 0.010}, {8, 0.016}}, {1, 8, 0});
  inputs.seen.items = 2 * inputs.seen.requests;
  for (int i = 0; i < 500; ++i) inputs.seen.arrivals_s.push_back(i * 0.020);
  // Four requests of two items make the largest batch: 4 / 16 ms = 250 requests a second.
  EXPECT_NEAR(make_audit(inputs).replayed.utilisation, 50 / 250.0, 1e-9);
}

TEST(Audit, RefusesWhatMakesNoSense) {
  const auto error = [](const AuditInputs& inputs) { return error_of([&] { make_audit(inputs); }); };
  EXPECT_THAT(error(steady(70, {{1, 0.010}}, {0, 1, 0})), HasSubstr("--instances"));
  EXPECT_THAT(error(steady(70, {{1, 0.010}}, {1, 0, 0})), HasSubstr("--max-batch"));
  AuditInputs inputs = steady(70, {{1, 0.010}}, {1, 1, 0});
  inputs.target.max_utilisation = 1;
  EXPECT_THAT(error(inputs), HasSubstr("below 1"));
  inputs.target.max_utilisation = 0.8;
  inputs.seen.arrivals_s = {0, 1};
  EXPECT_THAT(error(inputs), HasSubstr("2 requests are too few"));
}

}  // namespace
}  // namespace burnish::cost
