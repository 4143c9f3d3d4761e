#include "cost/break_even.h"

#include <algorithm>

namespace burnish::cost {

BreakEven break_even(const std::vector<Step>& baseline, const std::vector<Step>& variant, double one_off_cost,
                     double horizon_months, double up_to) {
  BreakEven result;
  result.examined_up_to = up_to;
  auto old_step = baseline.begin(), new_step = variant.begin();
  for (double from = 0; from < up_to && old_step != baseline.end() && new_step != variant.end();) {
    const double saving = (old_step->monthly_cost - new_step->monthly_cost) * horizon_months;
    const bool pays = saving > 0 && saving >= one_off_cost;
    if (pays && !result.first) result.first = from;
    if (!pays) result.always_from.reset();
    if (pays && !result.always_from) result.always_from = from;
    from = std::min(old_step->up_to_requests_per_day, new_step->up_to_requests_per_day);
    if (old_step->up_to_requests_per_day <= from) ++old_step;
    if (new_step->up_to_requests_per_day <= from) ++new_step;
  }
  return result;
}

std::optional<double> payback_months(double one_off_cost, int horizon_months,
                                     const std::function<double(int)>& saving_of) {
  double saved = 0;
  for (int month = 0; month < horizon_months; ++month) {
    const double saving = saving_of(month);
    if (saving > 0 && saved + saving >= one_off_cost) return month + std::max(0.0, one_off_cost - saved) / saving;
    saved += saving;
  }
  return std::nullopt;
}

}  // namespace burnish::cost
