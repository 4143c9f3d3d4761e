#pragma once
// What a server was seen to do, whatever told it: its metrics or a log of its requests.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cost/latency_curve.h"

namespace burnish::cost {

/// How a model is set to be served.
struct ServingSettings {
  int instances = 1;  ///< Executions that run side by side.
  int max_batch = 1;  ///< Items that may be executed together; 1: no batching.
  double queue_delay_s = 0;
  bool operator==(const ServingSettings&) const = default;
};

struct Observation {
  std::string name;  ///< "resnet50/1", or the log's.
  double seconds = 0;
  double requests = 0;    ///< That were executed.
  double executions = 0;  ///< Batches.
  double items = 0;       ///< Inferences: a request can carry several.
  double rejected = 0, failed = 0, cache_hits = 0;
  double mean_latency_s = 0;
  double mean_queue_s = 0;
  double mean_compute_s = 0;  ///< A request's share is its whole batch's: inputs, execution, outputs.
  double copy_share = 0;      ///< Of the computing time: inputs and outputs.
  std::optional<double> p99_s;
  /// Of all instances together; none where only the sums over requests are known.
  std::optional<double> busy_s;
  std::optional<int> instances;
  bool prepared_sizes = false;  ///< Batches have the sizes of Burnish's server, base/batch_size.h.
  /// Share of the executions whose batches have up to so many items (and more than the size before); empty where only
  /// the mean is known.
  std::map<int, double> batch_shares;
  /// Mean time of an execution by batch size, and how many were seen; empty where only the mean over all is known.
  struct Time {
    double seconds = 0, executions = 0;
  };
  std::map<int, Time> times;
  /// Arrivals of the busiest hour in seconds from its first; empty where only their rate is known.
  std::vector<double> arrivals_s;

  /// At least 1, as are the items of a request: what failed was executed, but does not count as an inference.
  double mean_batch() const { return executions > 0 ? std::max(1.0, items / executions) : 1; }
  double items_per_request() const { return requests > 0 ? std::max(1.0, items / requests) : 1; }
  /// Of what is to be executed, rejected or not.
  double rate_per_s() const { return seconds > 0 ? (requests + rejected) / seconds : 0; }
  /// busy_s, or its estimate: as if every request's batch had the mean size.
  double busy_seconds() const { return busy_s ? *busy_s : (requests > 0 ? mean_compute_s * executions : 0); }
};

/// The curve of the observed times, never falling with the batch: sizes that were seen fewer than five times are left
/// out, unless there are no others. Throws kInvalidArgument where there is none.
LatencyCurve observed_curve(const std::map<int, Observation::Time>& times);

}  // namespace burnish::cost
