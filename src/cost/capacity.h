#pragma once
// What a number of instances carries while the service level holds, and how many a traffic needs.
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "cost/batch_simulator.h"
#include "cost/latency_curve.h"

namespace burnish::cost {

struct ServiceLevel {
  double p99_s = 0;              ///< 99 % of the requests are answered within this time.
  double max_utilisation = 0.8;  ///< Of what the instances could do at their best batch size; below 1.
  double queue_delay_s = 0;      ///< How long a request may wait for others to share its batch.
  int max_batch = 0;             ///< 0: up to the largest that was measured.
  bool prepared_sizes = false;   ///< As in BatchServer.
};

/// One machine: `lanes` executions run side by side on it, each as `latency` says.
struct Instance {
  LatencyCurve latency;
  int lanes = 1;
};

/// One load on a number of instances, simulated.
struct Operation {
  double rate_per_s = 0;
  int instances = 0;
  int max_batch = 1;       ///< What the server should be set to.
  double utilisation = 0;  ///< rate / (instances' best throughput at batches up to max_batch)
  SimulationResult simulated;
};

/// The most instances that a plan may need; more is taken for a mistake in the inputs.
inline constexpr int kMaxInstances = 10000;

/// Results are kept: asking again costs nothing. Not for several threads at a time.
class Capacity {
 public:
  /// `arrivals` is a pattern of one request per second on average, scaled to every rate. Throws kInvalidArgument when
  /// the service level has no sense or a single request on an idle instance already misses it.
  Capacity(Instance instance, const ServiceLevel& level, std::shared_ptr<const std::vector<double>> arrivals);

  /// The highest rate that holds the service level, in requests/s: the utilisation limit, or less where p99 is what
  /// binds (found by bisection over simulations, to 0.2 %). Above 32 instances only four numbers an octave are
  /// simulated, and what one instance carries is interpolated.
  double rate_per_s(int instances);
  /// The least number of instances that carry the rate; at least 1. Throws kInvalidArgument beyond kMaxInstances.
  int instances_for(double rate_per_s);
  /// The rate on these instances, with the largest batch chosen (a measured size or a power of two) so that it holds.
  Operation operate(int instances, double rate_per_s);

  const Instance& instance() const { return instance_; }
  const ServiceLevel& level() const { return level_; }

 private:
  struct Setting {
    double rate_per_s = 0;
    int max_batch = 1;
  };
  Operation run(int instances, int max_batch, double rate_per_s) const;
  bool holds(int instances, int max_batch, double rate_per_s) const;
  double limit_per_s(int instances, int max_batch) const;
  double bisect(int instances, int max_batch, double low, double high) const;
  Setting best_setting(int instances) const;
  const Setting& setting(int instances);

  Instance instance_;
  ServiceLevel level_;
  std::shared_ptr<const std::vector<double>> arrivals_;
  std::vector<int> batches_;  ///< Largest batches worth trying, best throughput first.
  std::map<int, Setting> settings_;
  int limited_from_ = kMaxInstances + 1;  ///< From so many instances on, the utilisation limit binds.
};

}  // namespace burnish::cost
