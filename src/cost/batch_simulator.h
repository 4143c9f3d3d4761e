#pragma once
// A server that forms batches, simulated request by request: one queue, first come first served; a free server takes a
// batch when max_batch requests wait or the oldest has waited for queue_delay_s.
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace burnish::cost {

/// Arrival times of a Poisson process of one request per second, ascending. The same seed gives the same times.
std::vector<double> poisson_arrivals(int64_t num_requests, uint64_t seed);

struct BatchServer {
  int num_servers = 1;
  int max_batch = 1;
  double queue_delay_s = 0;
  /// Seconds that a batch of a size in [1, max_batch] takes; called once a batch, in order of the starts.
  std::function<double(int)> service_s;
  /// A batch has one of the sizes that Burnish's server forms, base/batch_size.h; otherwise all that wait go together.
  bool prepared_sizes = false;
};

struct SimulationResult {
  double p50_s = 0, p90_s = 0, p99_s = 0;  ///< Latency: wait and service.
  double mean_latency_s = 0;
  double mean_wait_s = 0;  ///< From arrival to the start of the batch.
  double mean_batch = 0;
  double busy_share = 0;  ///< Share of the time that servers compute, all together.
  double items_per_s = 0;
};

/// Requests arrive at arrivals_s · time_scale (ascending, in seconds). The first tenth warms up and is not counted.
/// Throws kInvalidArgument for fewer than ten largest batches of requests, times that go backwards, or a server without
/// sense.
SimulationResult simulate(const BatchServer& server, std::span<const double> arrivals_s, double time_scale = 1);

}  // namespace burnish::cost
