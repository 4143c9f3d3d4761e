// From a scenario to costs, savings and break-even points, beside sums done by hand.
#include "cost/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cost/error_of.h"

namespace burnish::cost {
namespace {

using ::testing::HasSubstr;

constexpr double kPerHour = 2;
constexpr double kInstanceMonth = kPerHour * 730;

MachinePrice price_of(double per_hour) {
  MachinePrice price;
  price.per_hour = per_hour;
  return price;
}

/// The case that is often told: 10 ms before, 2.6 ms after.
Scenario worked_case() {
  Scenario s;
  s.variants = {{"before", {{1, 0.010, 1, "typed in"}}, price_of(kPerHour)},
                {"after", {{1, 0.0026, 1, "typed in"}}, price_of(kPerHour)}};
  s.traffic = {{1e5, 1e6}, parse_profile("flat"), 1, 0};
  s.level = {.p99_s = 0.05, .max_utilisation = 0.8};
  s.redundancy.spares = 0;
  return s;
}

TEST(WorkedCase, PureComputeSums) {
  const Report r = make_report(worked_case());
  EXPECT_NEAR(r.volumes[0].sizings[0].compute_hours_per_day, 0.278, 5e-4);
  EXPECT_NEAR(r.volumes[1].sizings[0].compute_hours_per_day, 2.78, 5e-3);
  EXPECT_NEAR(r.volumes[1].sizings[1].compute_hours_per_day, 0.722, 5e-4);
}

TEST(WorkedCase, OneMachineStandsThereAnyway) {
  const Report r = make_report(worked_case());
  for (const VolumePlan& plan : r.volumes) {
    for (const Sizing& sizing : plan.sizings) {
      EXPECT_EQ(sizing.instances(), 1);
      EXPECT_DOUBLE_EQ(sizing.monthly_cost, kInstanceMonth);
    }
    EXPECT_EQ(plan.comparisons[1].saving_per_month, 0);
    EXPECT_FALSE(plan.comparisons[1].payback_months);
  }
  // 2.78 of 24 hours.
  EXPECT_NEAR(r.volumes[1].sizings[0].mean_utilisation, 0.01 * 1e6 / 86400, 1e-9);
  EXPECT_NEAR(r.volumes[1].sizings[0].cost_per_million, kInstanceMonth / (365.0 / 12), 1e-9);
}

TEST(WorkedCase, APeakAndATargetMakeSeveralOfOne) {
  Scenario s = worked_case();
  s.traffic.peak_factor = 20;
  s.redundancy.spares = 1;
  const Report r = make_report(s);
  // 231 requests/s at the peak: 2.3 machines' work at 10 ms, 0.6 of one at 2.6 ms; at most 80 %, and one spare.
  EXPECT_EQ(r.volumes[1].sizings[0].instances(), 4);
  EXPECT_EQ(r.volumes[1].sizings[1].instances(), 2);
  EXPECT_DOUBLE_EQ(r.volumes[1].comparisons[1].saving_per_month, 2 * kInstanceMonth);
  EXPECT_DOUBLE_EQ(r.volumes[1].comparisons[1].saving_share, 0.5);
}

TEST(Report, BreakEvenLiesAtTheBaselinesStep) {
  Scenario s = worked_case();
  s.level.p99_s = 10;  // the utilisation binds: 80 requests/s an instance, 6,912,000 a day
  const Report r = make_report(s);
  ASSERT_TRUE(r.break_evens[1].first);
  EXPECT_NEAR(*r.break_evens[1].first, 6.912e6, 1);
  EXPECT_NEAR(*r.break_evens[1].always_from, 6.912e6, 1);
  EXPECT_FALSE(r.break_evens[0].first);
  EXPECT_GT(r.drawn_up_to, 6.912e6);
  EXPECT_NEAR(r.staircases[0][1].up_to_requests_per_day, 2 * 6.912e6, 1);
  EXPECT_DOUBLE_EQ(r.staircases[0][1].monthly_cost, 2 * kInstanceMonth);
}

TEST(Report, PaybackByHand) {
  Scenario s = worked_case();
  s.level.p99_s = 10;
  s.traffic.requests_per_day = {20e6};  // 231.5 requests/s: 3 instances before, 1 after
  s.one_off_cost = 10 * kInstanceMonth;
  EXPECT_DOUBLE_EQ(*make_report(s).volumes[0].comparisons[1].payback_months, 5);
  s.horizon_months = 4;
  const Report r = make_report(s);
  EXPECT_FALSE(r.volumes[0].comparisons[1].payback_months);
  // In four months 2.5 instances must be saved each month, so 3: from the 4th instance before on the 1st one after.
  EXPECT_NEAR(*r.break_evens[1].first, 3 * 6.912e6, 1);
}

TEST(Report, GrowthPaysSooner) {
  Scenario s = worked_case();
  s.level.p99_s = 10;
  s.traffic.requests_per_day = {6e6};
  s.one_off_cost = 3 * kInstanceMonth;
  EXPECT_FALSE(make_report(s).volumes[0].comparisons[1].payback_months);
  s.horizon_months = 6;
  s.traffic.growth_per_month = 0.5;  // 6, 9, 13.5, 20.25 million: 0, 1, 1, 2 - 0 saved, and 30.4: 5 - 2
  const Report r = make_report(s);
  ASSERT_EQ(r.growth.size(), static_cast<size_t>(s.horizon_months) + 1);
  EXPECT_DOUBLE_EQ(r.growth[1].requests_per_day, 9e6);
  EXPECT_DOUBLE_EQ(r.growth[1].monthly_costs[0], 2 * kInstanceMonth);
  EXPECT_DOUBLE_EQ(*r.volumes[0].comparisons[1].payback_months, 3.5);
}

TEST(Report, CostPerMillionFallsAndTheMarginalOneIsTheSteps) {
  Scenario s = worked_case();
  s.level.p99_s = 10;
  s.traffic.requests_per_day = {1e5, 1e6, 6e6, 60e6};
  const Report r = make_report(s);
  for (size_t i = 1; i < r.volumes.size(); ++i) {
    EXPECT_LT(r.volumes[i].sizings[0].cost_per_million, r.volumes[i - 1].sizings[0].cost_per_million);
  }
  // One instance more carries 80 requests/s for a month.
  EXPECT_NEAR(r.volumes[0].sizings[0].marginal_per_million, kInstanceMonth / (80 * 3600 * 730 / 1e6), 1e-6);
}

TEST(Report, TheoryStandsBesideTheSimulation) {
  Scenario s = worked_case();
  s.traffic.peak_factor = 6;
  const Sizing sizing = make_report(s).volumes[1].sizings[0];
  ASSERT_TRUE(sizing.theory_wait_s);
  EXPECT_NEAR(sizing.peak.simulated.mean_wait_s, *sizing.theory_wait_s, 0.05 * *sizing.theory_wait_s);
}

TEST(Report, SensitivityMovesCostsTheRightWay) {
  Scenario s = worked_case();
  s.traffic.requests_per_day = {1e8};
  const Report r = make_report(s);
  ASSERT_EQ(r.sensitivity.size(), 5u);
  const auto& price = r.sensitivity[0];
  EXPECT_NEAR(*price.low[0], 0.8 * r.volumes[0].sizings[0].monthly_cost, 1e-6);
  EXPECT_NEAR(*price.high[1], 1.2 * r.volumes[0].sizings[1].monthly_cost, 1e-6);
  EXPECT_LT(*r.sensitivity[1].low[0], *r.sensitivity[1].high[0]);
  EXPECT_THAT(r.sensitivity[3].assumption, HasSubstr("before"));
  EXPECT_LT(*r.sensitivity[3].low[0], *r.sensitivity[3].high[0]);
  EXPECT_EQ(*r.sensitivity[3].low[1], *r.sensitivity[3].high[1]);
}

TEST(Report, SensitivityTellsWhatCannotBeHeld) {
  Scenario s = worked_case();
  s.level.p99_s = 0.0115;
  const auto arrivals = std::make_shared<const std::vector<double>>(poisson_arrivals(5000, 1));
  EXPECT_FALSE(sensitivities(s, 1e6, arrivals)[3].high[0]);  // 12 ms are above the target
  EXPECT_TRUE(sensitivities(s, 1e6, arrivals)[3].low[0]);
}

TEST(Report, RefusesWhatMakesNoSense) {
  const auto error = [](auto change) {
    Scenario s = worked_case();
    change(s);
    return error_of([&] { make_report(s); });
  };
  EXPECT_THAT(error([](Scenario& s) { s.variants.clear(); }), HasSubstr("--variant"));
  EXPECT_THAT(error([](Scenario& s) { s.variants[1].name = "before"; }), HasSubstr("'before' is given twice"));
  EXPECT_THAT(error([](Scenario& s) { s.variants[1].price.per_hour = -1; }),
              HasSubstr("price of variant 'after' is -1"));
  EXPECT_THAT(error([](Scenario& s) { s.one_off_cost = -5; }), HasSubstr("one-off cost"));
  EXPECT_THAT(error([](Scenario& s) { s.horizon_months = 0; }), HasSubstr("--months"));
  EXPECT_THAT(error([](Scenario& s) { s.redundancy.spares = -1; }), HasSubstr("--spare"));
  EXPECT_THAT(error([](Scenario& s) { s.level.p99_s = 0.004; }), HasSubstr("variant 'before'"));
  EXPECT_THAT(error([](Scenario& s) { s.traffic.growth_per_month = 5; }), HasSubstr("of growth"));
}

TEST(BreakEven, StairsThatCrossAgain) {
  const std::vector<Step> old_steps = {{10, 1, 100}, {20, 2, 200}, {40, 3, 300}};
  const std::vector<Step> new_steps = {{5, 1, 50}, {12, 2, 150}, {40, 3, 190}};
  // Saves 50, -50 from 5, 50 from 10, 10 from 12, 110 from 20.
  const BreakEven free = break_even(old_steps, new_steps, 0, 1, 40);
  EXPECT_EQ(free.first, 0);
  EXPECT_EQ(free.always_from, 10);
  EXPECT_EQ(break_even(old_steps, new_steps, 100, 2, 40).always_from, 20);
  EXPECT_EQ(break_even(old_steps, new_steps, 100, 2, 40).first, 0);
  const BreakEven never = break_even(old_steps, new_steps, 111, 1, 40);
  EXPECT_FALSE(never.first || never.always_from);
  EXPECT_FALSE(break_even(old_steps, new_steps, 100, 2, 20).always_from);
}

TEST(Payback, PartsOfMonths) {
  EXPECT_EQ(payback_months(100, 12, [](int) { return 40.0; }), 2.5);
  EXPECT_EQ(payback_months(0, 12, [](int) { return 40.0; }), 0);
  EXPECT_EQ(payback_months(0, 12, [](int) { return 0.0; }), std::nullopt);
  EXPECT_EQ(payback_months(100, 2, [](int) { return 40.0; }), std::nullopt);
  EXPECT_EQ(payback_months(100, 12, [](int m) { return m == 0 ? -20.0 : 60.0; }), 3);
}

}  // namespace
}  // namespace burnish::cost
