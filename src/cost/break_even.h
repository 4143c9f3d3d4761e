#pragma once
// From which volume on, and after how long, another variant pays.
#include <functional>
#include <optional>
#include <vector>

#include "cost/fleet.h"

namespace burnish::cost {

/// Costs are staircases, so what pays at one volume may not pay at a slightly larger one.
struct BreakEven {
  std::optional<double> first;  ///< The smallest volume (requests a day) at which the variant pays; none up to the end.
  std::optional<double> always_from;  ///< From here to the end it pays at every volume.
  double examined_up_to = 0;          ///< The end.
};

/// A variant pays at a volume when what it saves a month, times the horizon, is more than nothing and at least the
/// one-off cost. Both staircases reach `up_to` or further.
BreakEven break_even(const std::vector<Step>& baseline, const std::vector<Step>& variant, double one_off_cost,
                     double horizon_months, double up_to);

/// Months until savings have brought the one-off cost back, counted in parts of a month; saving_of(m) is the saving in
/// month m = 0, 1, …. None when it takes longer than the horizon.
std::optional<double> payback_months(double one_off_cost, int horizon_months,
                                     const std::function<double(int)>& saving_of);

}  // namespace burnish::cost
