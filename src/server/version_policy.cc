#include "server/version_policy.h"

#include <algorithm>

namespace burnish::server {

VersionChoice choose_versions(const VersionPolicy& policy, std::vector<int64_t> present) {
  std::ranges::sort(present, std::greater<>());
  if (policy.kind == VersionPolicy::Kind::kLatest) return {std::move(present), policy.num_versions};
  if (policy.kind == VersionPolicy::Kind::kSpecific) {
    std::erase_if(
        present, [&](int64_t version) { return std::ranges::find(policy.versions, version) == policy.versions.end(); });
  }
  const size_t all = present.size();
  return {std::move(present), all};
}

}  // namespace burnish::server
