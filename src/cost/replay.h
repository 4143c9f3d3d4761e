#pragma once
// What a server would do with the requests that were observed, were it set otherwise.
#include <memory>
#include <optional>
#include <vector>

#include "cost/capacity.h"
#include "cost/observation.h"

namespace burnish::cost {

struct AuditTarget {
  std::optional<double> p99_s;   ///< None: only the utilisation binds.
  double max_utilisation = 0.8;  ///< As in ServiceLevel.
};

/// A setting under the observed requests.
struct Prediction {
  ServingSettings settings;
  SimulationResult simulated;
  /// The rate over what the instances could do at their best batch size. From 1 on queues grow for ever, and the
  /// simulated latencies say no more than that.
  double utilisation = 0;
};

class Replay {
 public:
  /// `times` are of batches of items; a request carries `items_per_request`. `arrivals_s` ascend from 0; all or a
  /// pattern of them. prepared_sizes: as in BatchServer, where a request is one item. Throws kInvalidArgument for fewer
  /// than 100 arrivals, or all at one moment.
  Replay(const LatencyCurve& times, double items_per_request, std::vector<double> arrivals_s, const AuditTarget& target,
         bool prepared_sizes = false);

  Prediction predict(const ServingSettings& settings) const;
  /// Utilisation and p99 are within the target.
  bool holds(const Prediction& prediction) const;
  /// The highest rate that holds the target, in requests/s; 0 where a single request misses it.
  double capacity_per_s(const ServingSettings& settings) const;
  /// The least number that holds the target; none where a single request on an idle instance misses it.
  std::optional<int> instances_for(const ServingSettings& settings) const;

  double rate_per_s() const { return rate_per_s_; }
  /// Largest batches worth trying, in items: powers of two and the largest whose time is known, as far as the arrivals
  /// are enough to simulate them.
  std::vector<int> batches() const;

 private:
  int requests_of(int items) const;
  std::optional<Capacity> capacity(const ServingSettings& settings) const;

  LatencyCurve times_;  ///< By requests.
  double items_per_request_;
  double rate_per_s_ = 0;
  std::shared_ptr<const std::vector<double>> arrivals_;  ///< One request a second on average.
  AuditTarget target_;
  bool prepared_sizes_;
};

}  // namespace burnish::cost
