#include "builder/accuracy_guard.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace burnish {
namespace {

/// Layers whose errors add up; measure() counts what stays lowered.
struct Additive {
  std::vector<double> loss;
  std::vector<double> cost;
  double floor = 0;
  int measured = 0;

  std::vector<GuardedLayer> layers() const {
    std::vector<GuardedLayer> result;
    for (size_t i = 0; i < loss.size(); ++i) result.push_back({"layer" + std::to_string(i), loss[i], cost[i]});
    return result;
  }
  MeasureTrial measure() {
    return [this](const std::vector<bool>& raised) {
      ++measured;
      Trial t{floor, 100};
      for (size_t i = 0; i < loss.size(); ++i) (raised[i] ? t.us : t.loss) += raised[i] ? cost[i] : loss[i];
      return t;
    };
  }
};

std::vector<bool> raised(std::vector<int> flags) {
  return {flags.begin(), flags.end()};
}

TEST(AccuracyGuard, NothingIsRaisedWithinTheBudget) {
  Additive model{{0.001, 0.002}, {1, 1}};
  const GuardResult r = hold_budget(model.layers(), 0.01, 20, model.measure());
  EXPECT_TRUE(r.holds);
  EXPECT_EQ(r.raised, raised({0, 0}));
  EXPECT_EQ(model.measured, 1);
  EXPECT_DOUBLE_EQ(r.final.loss, r.lowered.loss);
}

TEST(AccuracyGuard, TheWorstLayersAreRaised) {
  Additive model{{0.001, 0.05, 0.001, 0.001, 0.03, 0.001, 0.001, 0.001}, {1, 1, 1, 1, 1, 1, 1, 1}};
  const GuardResult r = hold_budget(model.layers(), 0.01, 30, model.measure());
  EXPECT_TRUE(r.holds);
  EXPECT_EQ(r.raised, raised({0, 1, 0, 0, 1, 0, 0, 0}));
  EXPECT_LE(r.final.loss, 0.01);
  EXPECT_GT(r.lowered.loss, 0.01);
  EXPECT_EQ(r.num_trials, model.measured);
}

TEST(AccuracyGuard, DearLayersAreLoweredAgainWhereTheBudgetAllows) {
  // The ranking is wrong about the dear first layer: it does no harm.
  Additive model{{0.0, 0.02, 0.001}, {100, 1, 1}};
  auto layers = model.layers();
  layers[0].sensitivity = 1;
  const GuardResult r = hold_budget(layers, 0.01, 20, model.measure());
  EXPECT_TRUE(r.holds);
  EXPECT_EQ(r.raised, raised({0, 1, 0}));
}

TEST(AccuracyGuard, SaysWhenNothingHelps) {
  Additive model{{0.01, 0.02}, {1, 1}, 0.5};
  const GuardResult r = hold_budget(model.layers(), 0.01, 20, model.measure());
  EXPECT_FALSE(r.holds);
  EXPECT_DOUBLE_EQ(r.final.loss, 0.5);
}

TEST(AccuracyGuard, ErrorsThatOnlyHappenTogetherAreFound) {
  // Each alone is harmless, both together are not; sensitivities say nothing.
  const std::vector<GuardedLayer> layers(6, {"layer", 1, 1});
  const auto measure = [](const std::vector<bool>& up) { return Trial{!up[2] && !up[4] ? 0.2 : 0.0, 100}; };
  const GuardResult r = hold_budget(layers, 0.01, 40, measure);
  EXPECT_TRUE(r.holds);
  EXPECT_EQ(std::ranges::count(r.raised, true), 1);
}

TEST(AccuracyGuard, TrialsAreLimited) {
  Additive model;
  for (int i = 0; i < 200; ++i) {
    model.loss.push_back(0.001 * (i % 7));
    model.cost.push_back(i);
  }
  const GuardResult r = hold_budget(model.layers(), 0.01, 12, model.measure());
  EXPECT_TRUE(r.holds);
  EXPECT_LE(model.measured, 12);
  EXPECT_LE(model.measure()(r.raised).loss, 0.01);
}

}  // namespace
}  // namespace burnish
