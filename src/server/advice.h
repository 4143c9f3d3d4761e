#pragma once
// What an operator could change, said in words with the figures that it follows from.
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "server/snapshot.h"

namespace burnish::server {

/// What a model version did in a span of time.
struct Activity {
  uint64_t span_ns = 0;
  uint64_t busy_ns = 0;  ///< Of all instances.
  uint64_t requests = 0, inferences = 0, executions = 0;
  uint64_t queue_full = 0, timed_out = 0, too_late = 0;
  uint64_t copy_ns = 0, infer_ns = 0;  ///< Inputs and outputs; execution.
  uint64_t cache_hits = 0, cache_misses = 0;
};
/// Since it was loaded.
Activity activity_of(const VersionState& state);
Activity operator-(const Activity& now, const Activity& then);

/// Advice on one model version from what it did lately; none where too little was seen. The state tells its
/// configuration and recent latencies.
std::vector<std::string> advice(const Activity& lately, const VersionState& state);

/// Remembers what versions had done, so that advice is about the last minute. Thread-safe.
class Advisor {
 public:
  /// Notes the version's state and advises. Until ten seconds are seen: about all since it was loaded.
  std::vector<std::string> advise(const Snapshot::Model& model, std::chrono::steady_clock::time_point now);
  /// Forgets versions that are not in the snapshot.
  void forget_others(const Snapshot& snapshot);

 private:
  struct Sample {
    std::chrono::steady_clock::time_point time;
    Activity total;
  };
  using Key = std::pair<std::string, std::string>;
  std::mutex mutex_;
  std::map<Key, std::deque<Sample>> samples_;
};

/// Advice on the server as a whole.
std::vector<std::string> server_advice(const Snapshot& snapshot);

}  // namespace burnish::server
