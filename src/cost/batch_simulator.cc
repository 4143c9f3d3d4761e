#include "cost/batch_simulator.h"

#include <algorithm>
#include <cmath>
#include <queue>
#include <random>

#include "base/batch_size.h"
#include "base/error.h"

namespace burnish::cost {
namespace {

constexpr size_t kWarmUpPart = 10;

void check_simulation(const BatchServer& server, std::span<const double> arrivals_s, double time_scale) {
  check(server.num_servers >= 1 && server.max_batch >= 1 && server.queue_delay_s >= 0 && server.service_s,
        ErrorCode::kInvalidArgument, "a server with {} instances, batches up to {} and a queue delay of {} s",
        server.num_servers, server.max_batch, server.queue_delay_s);
  const size_t least = kWarmUpPart * static_cast<size_t>(server.max_batch);
  check(arrivals_s.size() >= least, ErrorCode::kInvalidArgument,
        "{} requests are too few to simulate batches up to {}: {} are needed", arrivals_s.size(), server.max_batch,
        least);
  check(std::isfinite(time_scale) && time_scale > 0 && std::ranges::is_sorted(arrivals_s), ErrorCode::kInvalidArgument,
        "arrival times must ascend");
}

/// All batches in the order of their starts. Requests are served in order, so the next batch begins with the oldest one
/// that waits, on the server that is free first: no queue of events is needed.
class Simulation {
 public:
  Simulation(const BatchServer& server, std::span<const double> arrivals_s, double scale)
      : server_(server), arrivals_(arrivals_s), scale_(scale), warm_up_(arrivals_s.size() / kWarmUpPart) {
    for (int i = 0; i < server.num_servers; ++i) free_at_.push(arrival(0));
    latencies_.reserve(arrivals_s.size() - warm_up_);
  }

  SimulationResult run() {
    for (size_t oldest = 0; oldest < arrivals_.size();) oldest = serve_batch(oldest);
    return summary();
  }

 private:
  double arrival(size_t i) const { return arrivals_[i] * scale_; }

  double ready_at(size_t oldest) const {
    const double delayed = arrival(oldest) + server_.queue_delay_s;
    const size_t last = oldest + static_cast<size_t>(server_.max_batch) - 1;
    return last < arrivals_.size() ? std::min(delayed, arrival(last)) : delayed;
  }

  /// Returns the first request of the next batch.
  size_t serve_batch(size_t oldest) {
    const double start = std::max(free_at_.top(), ready_at(oldest));
    const size_t most = std::min(arrivals_.size(), oldest + static_cast<size_t>(server_.max_batch));
    size_t end = oldest + 1;
    while (end < most && arrival(end) <= start) ++end;
    if (server_.prepared_sizes && end - oldest < static_cast<size_t>(server_.max_batch)) {
      end = oldest + static_cast<size_t>(prepared_batch_size(static_cast<int64_t>(end - oldest)));
    }
    const double service = server_.service_s(static_cast<int>(end - oldest));
    free_at_.pop();
    free_at_.push(start + service);
    if (oldest >= warm_up_) count(oldest, end, start, service);
    return end;
  }

  void count(size_t begin, size_t end, double start, double service) {
    if (num_batches_++ == 0) first_start_ = start;
    last_start_ = start;
    busy_s_ += service;
    for (size_t i = begin; i < end; ++i) {
      wait_s_ += start - arrival(i);
      latencies_.push_back(start + service - arrival(i));
    }
  }

  double quantile(double q) {
    const auto index = static_cast<size_t>(std::lround(q * static_cast<double>(latencies_.size() - 1)));
    const auto at = latencies_.begin() + static_cast<std::ptrdiff_t>(index);
    std::nth_element(latencies_.begin(), at, latencies_.end());
    return *at;
  }

  SimulationResult summary() {
    const auto n = static_cast<double>(latencies_.size());
    double sum = 0;
    for (const double latency : latencies_) sum += latency;
    // From start to start, so that neither end of the time counts a batch in part.
    const auto batches = static_cast<double>(num_batches_);
    const double seconds = (last_start_ - first_start_) * batches / std::max(1.0, batches - 1);
    SimulationResult r;
    r.p50_s = quantile(0.5);
    r.p90_s = quantile(0.9);
    r.p99_s = quantile(0.99);
    r.mean_latency_s = sum / n;
    r.mean_wait_s = wait_s_ / n;
    r.mean_batch = n / batches;
    r.busy_share = seconds > 0 ? std::min(1.0, busy_s_ / seconds / server_.num_servers) : 1;
    r.items_per_s = seconds > 0 ? n / seconds : 0;
    return r;
  }

  const BatchServer& server_;
  std::span<const double> arrivals_;
  double scale_;
  size_t warm_up_;
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at_;
  std::vector<double> latencies_;
  size_t num_batches_ = 0;
  double first_start_ = 0, last_start_ = 0, busy_s_ = 0, wait_s_ = 0;
};

}  // namespace

std::vector<double> poisson_arrivals(int64_t num_requests, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::vector<double> times;
  times.reserve(static_cast<size_t>(num_requests));
  double now = 0;
  for (int64_t i = 0; i < num_requests; ++i) {
    // By hand: the standard library's distributions differ between libraries.
    const double uniform = (static_cast<double>(generator() >> 11U) + 0.5) * 0x1p-53;
    now -= std::log(uniform);
    times.push_back(now);
  }
  return times;
}

SimulationResult simulate(const BatchServer& server, std::span<const double> arrivals_s, double time_scale) {
  check_simulation(server, arrivals_s, time_scale);
  return Simulation(server, arrivals_s, time_scale).run();
}

}  // namespace burnish::cost
