#pragma once
// What a server does, and what would serve it better: every figure of a prediction comes from replaying what was
// observed.
#include <cstdint>
#include <string>
#include <vector>

#include "cost/replay.h"

namespace burnish::cost {

/// The order of advice.
enum class Benefit {
  kHoldsTarget,     ///< As it is set now, utilisation or p99 miss the target.
  kFewerInstances,  ///< The same requests on fewer.
  kThroughput,      ///< At least a tenth more.
  kLatency,         ///< p99 at least a tenth lower.
  kLessWork,        ///< Instances compute at least a tenth less.
};

struct Advice {
  Benefit benefit = Benefit::kThroughput;
  Prediction predicted;
  /// The highest rate that holds the target, over the same as it is set now; 0 where neither holds it at any rate.
  double throughput_factor = 0;
  double p99_change_s = 0;
};

/// What is known beside the observation.
struct AuditInputs {
  Observation seen;
  ServingSettings now;
  LatencyCurve times;  ///< By items.
  AuditTarget target;
  uint64_t seed = 1;  ///< Of Poisson arrivals, where the observation has none of its own.
};

struct Audit {
  AuditInputs inputs;
  double busy_share = 0;   ///< Of all instances; may exceed 1 where estimated, or where there are more than was said.
  double queue_share = 0;  ///< Of the mean latency.
  bool is_poisson = false;
  double rate_per_s = 0;                 ///< Replayed.
  Prediction replayed;                   ///< As it is set now; beside the observation, it tells how far to trust it.
  std::optional<Prediction> sufficient;  ///< Set as now, with as few instances as hold the target.
  std::vector<Advice> advice;            ///< The best first.
};

/// Throws kInvalidArgument naming what makes no sense.
Audit make_audit(const AuditInputs& inputs);

}  // namespace burnish::cost
