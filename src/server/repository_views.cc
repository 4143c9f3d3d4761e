// What others see of the repository, and its end.
#include <algorithm>

#include "server/repository.h"

namespace burnish::server {

std::vector<std::shared_ptr<Servable>> Repository::versions_of(std::string_view model) const {
  std::vector<std::shared_ptr<Servable>> versions;
  const std::shared_lock lock(mutex_);
  const auto found = models_.find(model);
  if (found == models_.end()) return versions;
  for (const auto& [number, version] : found->second.ready) versions.push_back(version);
  return versions;
}

std::vector<std::shared_ptr<Servable>> Repository::all() const {
  std::vector<std::shared_ptr<Servable>> versions;
  const std::shared_lock lock(mutex_);
  for (const auto& [name, model] : models_) {
    for (const auto& [number, version] : model.ready) versions.push_back(version);
  }
  return versions;
}

std::vector<IndexEntry> Repository::index(bool only_ready) const {
  std::vector<IndexEntry> entries;
  const std::shared_lock lock(mutex_);
  for (const auto& [name, model] : models_) {
    for (const auto& [number, record] : model.records) {
      if (!only_ready || record.state == "READY") {
        entries.push_back(
            {name, std::to_string(number), record.state, record.reason.empty() ? model.problem : record.reason});
      }
    }
    if (model.records.empty() && !only_ready) entries.push_back({name, {}, "UNAVAILABLE", model.problem});
  }
  for (const std::string& name : known_) {
    if (!only_ready && !models_.contains(name)) entries.push_back({name, {}, {}, {}});
  }
  return entries;
}

bool Repository::is_ready() const {
  const std::shared_lock lock(mutex_);
  return started_ && std::ranges::none_of(models_, [](const auto& entry) {
           return entry.second.is_required && entry.second.ready.empty();
         });
}

void Repository::drain(Clock::time_point deadline) {
  const std::lock_guard changing(change_mutex_);
  std::vector<std::shared_ptr<Servable>> versions = all();
  std::stable_partition(versions.begin(), versions.end(),
                        [](const auto& version) { return !version->config().ensemble.empty(); });
  for (const auto& version : versions) version->drain(deadline);
  const std::lock_guard lock(mutex_);
  models_.clear();
}

}  // namespace burnish::server
