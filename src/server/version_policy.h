#pragma once
// Which of a model's versions are served.
#include <cstdint>
#include <vector>

#include "server/model_config.h"

namespace burnish::server {

/// To be loaded in this order until `wanted` of them serve, so that a broken newest version leaves the one before it.
struct VersionChoice {
  std::vector<int64_t> candidates;
  size_t wanted = 0;
};

/// present: in any order. Versions asked for but absent are left out.
VersionChoice choose_versions(const VersionPolicy& policy, std::vector<int64_t> present);

}  // namespace burnish::server
