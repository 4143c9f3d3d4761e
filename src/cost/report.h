#pragma once
// The whole plan: from a scenario to every figure that is shown.
#include <optional>
#include <vector>

#include "cost/break_even.h"
#include "cost/fleet.h"
#include "cost/scenario.h"
#include "cost/sensitivity.h"

namespace burnish::cost {

/// A variant against the baseline at one volume. The baseline's own is all zero.
struct Comparison {
  double saving_per_month = 0;
  double saving_share = 0;  ///< Of the baseline's cost.
  std::optional<double> payback_months;
};

/// Vectors hold one element per variant, in the scenario's order.
struct VolumePlan {
  double requests_per_day = 0;
  std::vector<Sizing> sizings;
  std::vector<Comparison> comparisons;
};

struct GrowthMonth {
  int month = 0;
  double requests_per_day = 0;
  std::vector<double> monthly_costs;
};

struct Report {
  Scenario scenario;
  std::vector<VolumePlan> volumes;
  std::vector<std::vector<Step>> staircases;
  std::vector<BreakEven> break_evens;
  std::vector<Sensitivity> sensitivity;  ///< At the largest volume.
  std::vector<GrowthMonth> growth;       ///< From the largest volume; empty without growth.
  double drawn_up_to = 0;                ///< Volume that pictures should reach.
  const Variant& baseline() const { return scenario.variants[scenario.baseline]; }
};

/// Requests of one simulation.
inline constexpr int64_t kSimulatedRequests = 100000;

/// Throws kInvalidArgument naming the input that is wrong.
Report make_report(const Scenario& scenario);

}  // namespace burnish::cost
