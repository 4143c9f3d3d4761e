#pragma once
// How much a plan hangs on what was assumed.
#include <optional>
#include <string>
#include <vector>

#include "cost/scenario.h"

namespace burnish::cost {

/// One assumption made smaller and larger, all others kept. Costs are monthly, one per variant; none where the service
/// level cannot be held any more.
struct Sensitivity {
  std::string assumption, low_label, high_label;
  std::vector<std::optional<double>> low, high;
};

std::vector<Sensitivity> sensitivities(const Scenario& scenario, double requests_per_day,
                                       const std::shared_ptr<const std::vector<double>>& arrivals);

}  // namespace burnish::cost
