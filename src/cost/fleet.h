#pragma once
// One variant's instances at any volume, and what they cost a month.
#include <memory>
#include <optional>
#include <vector>

#include "cost/scenario.h"

namespace burnish::cost {

/// A variant at one volume.
struct Sizing {
  double requests_per_day = 0;
  Operation peak;  ///< The instances that the load needs, simulated at the day's peak; spares do not help.
  int spares = 0;
  double compute_hours_per_day = 0;  ///< The plain sum: requests · time of a single one.
  double mean_utilisation = 0;       ///< Over the whole day, of all instances with the spares.
  double monthly_cost = 0;
  double cost_per_million = 0;
  /// The next instance's cost over the requests it adds, per million.
  double marginal_per_million = 0;
  /// Mean wait by theory (M/D/c), where the server forms no batches.
  std::optional<double> theory_wait_s;
  int instances() const { return peak.instances + spares; }
};

/// Up to this volume (requests a day), so many instances at this cost a month.
struct Step {
  double up_to_requests_per_day = 0;
  int instances = 0;
  double monthly_cost = 0;
};

/// Errors carry the variant's name.
class Fleet {
 public:
  /// The scenario must outlive the fleet.
  Fleet(const Variant& variant, const Scenario& scenario, std::shared_ptr<const std::vector<double>> arrivals);
  Sizing size(double requests_per_day);
  double monthly_cost(double requests_per_day);
  /// The largest volume that this many instances carry, spares not counted.
  double carries_per_day(int needed);
  /// All steps from nothing to the first that reaches the volume.
  std::vector<Step> staircase(double up_to_requests_per_day);

 private:
  int needed_for(double requests_per_day);
  int spares_of(int needed) const;
  double monthly_cost_of(int needed) const;
  double marginal_per_million(int needed);

  const Variant& variant_;
  const Scenario& scenario_;
  Capacity capacity_;
};

}  // namespace burnish::cost
