#pragma once
// Which of a model's versions are served.
#include <cstdint>
#include <vector>

#include "server/model_config.h"

namespace burnish::server {

/// present: in any order. Returns those the policy chooses, ascending; versions asked for but absent are left out.
std::vector<int64_t> choose_versions(const VersionPolicy& policy, std::vector<int64_t> present);

}  // namespace burnish::server
