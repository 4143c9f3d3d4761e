#include "cost/report.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace burnish::cost {
namespace {

/// Break-even is looked for up to where the baseline needs so many instances, if the volumes asked for do not reach
/// there.
constexpr int kExaminedInstances = 32;
/// So many of the baseline's steps are drawn at least.
constexpr int kDrawnSteps = 5;
constexpr double kMargin = 1.2;

using Fleets = std::vector<Fleet>;

double volume_in(const Scenario& s, double requests_per_day, int month) {
  return requests_per_day * std::pow(1 + s.traffic.growth_per_month, month);
}

double monthly_cost_in(const Scenario& s, Fleet& fleet, double requests_per_day, int month) {
  return with_frame([&] { return fmt::format("month {} of growth", month); },
                    [&] { return fleet.monthly_cost(volume_in(s, requests_per_day, month)); });
}

Comparison compare(const Scenario& s, Fleets& fleets, size_t variant, const VolumePlan& plan) {
  const auto saving_of = [&](int month) {
    return monthly_cost_in(s, fleets[s.baseline], plan.requests_per_day, month) -
           monthly_cost_in(s, fleets[variant], plan.requests_per_day, month);
  };
  Comparison c;
  const double old_cost = plan.sizings[s.baseline].monthly_cost;
  c.saving_per_month = old_cost - plan.sizings[variant].monthly_cost;
  c.saving_share = old_cost > 0 ? c.saving_per_month / old_cost : 0;
  if (variant != s.baseline) c.payback_months = payback_months(s.one_off_cost, s.horizon_months, saving_of);
  return c;
}

VolumePlan plan_volume(const Scenario& s, Fleets& fleets, double requests_per_day) {
  VolumePlan plan{requests_per_day, {}, {}};
  for (Fleet& fleet : fleets) plan.sizings.push_back(fleet.size(requests_per_day));
  for (size_t i = 0; i < fleets.size(); ++i) plan.comparisons.push_back(compare(s, fleets, i, plan));
  return plan;
}

void add_staircases(Report& r, Fleets& fleets) {
  const double top = r.volumes.back().requests_per_day * kMargin;
  Fleet& baseline = fleets[r.scenario.baseline];
  const double examined = std::max(top, baseline.carries_per_day(kExaminedInstances));
  for (Fleet& fleet : fleets) r.staircases.push_back(fleet.staircase(examined));
  r.drawn_up_to = std::max(top, baseline.carries_per_day(kDrawnSteps));
  for (const auto& stairs : r.staircases) {
    r.break_evens.push_back(break_even(r.staircases[r.scenario.baseline], stairs, r.scenario.one_off_cost,
                                       r.scenario.horizon_months, examined));
    const double pays = r.break_evens.back().always_from.value_or(0);
    r.drawn_up_to = std::clamp(pays * kMargin, r.drawn_up_to, examined);
  }
}

std::vector<GrowthMonth> growth(const Scenario& s, Fleets& fleets, double requests_per_day) {
  std::vector<GrowthMonth> months;
  if (s.traffic.growth_per_month == 0) return months;
  for (int month = 0; month <= s.horizon_months; ++month) {
    GrowthMonth at{month, volume_in(s, requests_per_day, month), {}};
    for (Fleet& fleet : fleets) at.monthly_costs.push_back(monthly_cost_in(s, fleet, requests_per_day, month));
    months.push_back(std::move(at));
  }
  return months;
}

}  // namespace

Report make_report(const Scenario& scenario) {
  check_scenario(scenario);
  Report r;
  r.scenario = scenario;
  std::ranges::sort(r.scenario.traffic.requests_per_day);
  const auto arrivals =
      std::make_shared<const std::vector<double>>(poisson_arrivals(kSimulatedRequests, scenario.seed));
  Fleets fleets;
  for (const Variant& variant : r.scenario.variants) fleets.emplace_back(variant, r.scenario, arrivals);
  for (const double volume : r.scenario.traffic.requests_per_day) {
    r.volumes.push_back(plan_volume(r.scenario, fleets, volume));
  }
  const double largest = r.volumes.back().requests_per_day;
  add_staircases(r, fleets);
  r.sensitivity = sensitivities(r.scenario, largest, arrivals);
  r.growth = growth(r.scenario, fleets, largest);
  return r;
}

}  // namespace burnish::cost
