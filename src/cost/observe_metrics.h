#pragma once
// From a server's counters, scraped twice, to what it did in between.
#include <optional>
#include <string>
#include <vector>

#include "cost/metrics_reader.h"
#include "cost/observation.h"

namespace burnish::cost {

/// One observation for every model version that executed requests between the scrapes, in the order of their names.
/// `before` may be empty: since the server's start. Triton's names (nv_inference_…) are enough; Burnish's own
/// (burnish_…) tell instances, their working time and the sizes of batches besides. Throws kInvalidArgument where there
/// is no such metric, nothing was executed, or a counter went backwards.
std::vector<Observation> observe_metrics(const std::vector<MetricSample>& before,
                                         const std::vector<MetricSample>& after, double seconds);

/// How long the server had run at the scrape: burnish_uptime_seconds.
std::optional<double> uptime_of(const std::vector<MetricSample>& scrape);

}  // namespace burnish::cost
