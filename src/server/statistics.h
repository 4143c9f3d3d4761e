#pragma once
// What a model version has done so far: Triton's counters, latency histograms and the instances' busy times.
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "server/histogram.h"
#include "server/inference_server.h"

namespace burnish::server {

struct Latency {
  Histogram all;     ///< Since the version was loaded.
  Histogram recent;  ///< Of about the last minute.
};

struct InstanceState {
  std::string name;
  std::vector<int> cores;  ///< That it is bound to; empty: unbound.
  int threads = 1;
  bool busy = false;
  uint64_t executions = 0;
  uint64_t busy_ns = 0;  ///< Inputs gathered, executed, answered. Over VersionState::alive_ns it is the utilisation.
  int gpu = -1;          ///< Negative: the CPU.
};

/// Requests that were not executed, by reason.
struct Rejections {
  uint64_t invalid = 0;     ///< Wrong inputs.
  uint64_t queue_full = 0;  ///< kResourceExhausted
  uint64_t timed_out = 0;   ///< Waited longer than their timeout.
  uint64_t too_late = 0;    ///< Refused because their deadline could not have been met.
  uint64_t cancelled = 0;   ///< The client had gone.
  uint64_t draining = 0;    ///< kUnavailable
};

/// Everything at one moment.
struct VersionState {
  ModelStatistics statistics;
  Latency queue;    ///< From the scheduler's hand to the execution's start.
  Latency compute;  ///< Inputs, execution, outputs.
  Latency total;    ///< From InferRequest::received to the answer.
  Rejections rejections;
  uint64_t alive_ns = 0;
  size_t pending = 0;    ///< Requests that wait.
  size_t executing = 0;  ///< Requests that are in an instance.
  size_t open_sequences = 0;
  uint64_t max_batch_size = 0, queue_delay_us = 0;
  std::vector<InstanceState> instances;
};

enum class Outcome { kSuccess, kFailed, kInvalid, kQueueFull, kTimedOut, kTooLate, kCancelled, kDraining };

/// Thread-safe.
class Statistics {
 public:
  /// One answered request that went through an instance.
  struct Executed {
    InferTiming timing;
    uint64_t items = 1;
    uint64_t total_ns = 0;
    bool ok = true;
    bool missed_cache = false;  ///< Was looked up in the response cache in vain.
    uint64_t cache_ns = 0;      ///< What that and putting it there took.
  };
  /// All requests of one execution of batch_size items.
  void record_execution(uint64_t batch_size, const InferTiming& batch, const std::vector<Executed>& requests);
  /// How long such an execution took its instance, all that goes with it included: known when its requests are answered.
  void record_busy(uint64_t batch_size, uint64_t ns);
  void record_cache_hit(uint64_t lookup_ns, uint64_t total_ns);
  /// A request that no instance has seen.
  void record_rejection(Outcome outcome, uint64_t total_ns);

  /// Fills statistics (without names), latencies and rejections.
  void read(VersionState& state) const;

 private:
  mutable std::mutex mutex_;
  ModelStatistics counters_;
  std::map<uint64_t, BatchStatistics> batches_;
  LatencyRecord queue_, compute_, total_;
  Rejections rejections_;
};

}  // namespace burnish::server
