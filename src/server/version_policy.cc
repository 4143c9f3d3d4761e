#include "server/version_policy.h"

namespace burnish::server {

std::vector<int64_t> choose_versions(const VersionPolicy& policy, std::vector<int64_t> present) {
  std::ranges::sort(present);
  switch (policy.kind) {
    case VersionPolicy::Kind::kAll:
      break;
    case VersionPolicy::Kind::kLatest:
      if (present.size() > policy.num_versions) {
        present.erase(present.begin(), present.end() - static_cast<std::ptrdiff_t>(policy.num_versions));
      }
      break;
    case VersionPolicy::Kind::kSpecific:
      std::erase_if(present, [&](int64_t version) {
        return std::ranges::find(policy.versions, version) == policy.versions.end();
      });
      break;
  }
  return present;
}

}  // namespace burnish::server
