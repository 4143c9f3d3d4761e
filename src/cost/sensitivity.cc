#include "cost/sensitivity.h"

#include <algorithm>

#include "base/error.h"
#include "cost/fleet.h"

namespace burnish::cost {
namespace {

using Arrivals = std::shared_ptr<const std::vector<double>>;
/// Changes a scenario by a factor.
using Change = std::function<void(Scenario&, double)>;

std::optional<double> cost_of(const Scenario& scenario, const Variant& variant, double requests_per_day,
                              const Arrivals& arrivals) {
  try {
    return Fleet(variant, scenario, arrivals).monthly_cost(requests_per_day);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidArgument) throw;
    return std::nullopt;  // this far from what was assumed, no number of instances does it
  }
}

std::vector<std::optional<double>> costs(Scenario scenario, const Change& change, double factor,
                                         const Arrivals& arrivals) {
  change(scenario, factor);
  std::vector<std::optional<double>> found;
  for (const Variant& variant : scenario.variants) {
    found.push_back(cost_of(scenario, variant, scenario.traffic.requests_per_day.front(), arrivals));
  }
  return found;
}

void scale_price(Scenario& s, double factor) {
  for (Variant& variant : s.variants) variant.price.per_hour *= factor;
}

void scale_peak(Scenario& s, double factor) {
  s.traffic.peak_factor = std::max(1.0, s.traffic.peak_factor * factor);
}

void scale_volume(Scenario& s, double factor) {
  s.traffic.requests_per_day.front() *= factor;
}

void scale_times(Variant& variant, double factor) {
  for (Measurement& m : variant.measurements) m.seconds *= factor;
}

}  // namespace

std::vector<Sensitivity> sensitivities(const Scenario& scenario, double requests_per_day, const Arrivals& arrivals) {
  Scenario base = scenario;
  base.traffic.requests_per_day = {requests_per_day};
  std::vector<Sensitivity> rows;
  const auto add = [&](const std::string& assumption, double share, const Change& change) {
    rows.push_back({assumption, fmt::format("-{:.0f} %", share * 100), fmt::format("+{:.0f} %", share * 100),
                    costs(base, change, 1 - share, arrivals), costs(base, change, 1 + share, arrivals)});
  };
  add("price of machines", 0.2, scale_price);
  add("requests a day", 0.5, scale_volume);
  add(fmt::format("peak factor (now {:.3g}; never below 1)", base.traffic.peak_factor), 0.25, scale_peak);
  for (size_t i = 0; i < base.variants.size(); ++i) {
    add(fmt::format("service times of {}", base.variants[i].name), 0.2,
        [i](Scenario& s, double factor) { scale_times(s.variants[i], factor); });
  }
  return rows;
}

}  // namespace burnish::cost
