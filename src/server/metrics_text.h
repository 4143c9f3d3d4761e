#pragma once
// Metrics in Prometheus' text format: Triton's names (nv_…), and what Triton does not tell (burnish_…).
#include <string>

#include "server/snapshot.h"

namespace burnish::server {

std::string metrics_text(const Snapshot& snapshot);

}  // namespace burnish::server
