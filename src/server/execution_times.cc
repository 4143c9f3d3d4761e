#include "server/execution_times.h"

#include <algorithm>

namespace burnish::server {

void ExecutionTimes::record(uint64_t shape_key, int64_t items, Duration duration) {
  auto at = entries_.find({shape_key, items});
  if (at == entries_.end()) {
    if (entries_.size() >= kMaxEntries) entries_.clear();  // shapes come from clients: they are measured anew
    at = entries_.emplace(std::pair(shape_key, items), Recent{}).first;
  }
  Recent& recent = at->second;
  recent.durations[recent.next] = duration;
  recent.next = (recent.next + 1) % kRemembered;
  recent.count = std::min(recent.count + 1, kRemembered);
  auto sorted = recent.durations;
  std::sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(recent.count));
  recent.least = sorted[0];
  recent.median = sorted[recent.count / 2];
}

ExecutionTimes::Duration ExecutionTimes::least(uint64_t shape_key, int64_t items) const {
  auto at = entries_.upper_bound({shape_key, items});
  if (at == entries_.begin()) return Duration::zero();
  --at;
  return at->first.first == shape_key ? at->second.least : Duration::zero();
}

ExecutionTimes::Duration ExecutionTimes::typical(uint64_t shape_key, int64_t items) const {
  const auto above = entries_.lower_bound({shape_key, items});
  const bool has_above = above != entries_.end() && above->first.first == shape_key;
  if (has_above && above->first.second == items) return above->second.median;
  if (above != entries_.begin()) {
    const auto below = std::prev(above);
    if (below->first.first == shape_key) return below->second.median * items / below->first.second;
  }
  return has_above ? above->second.median : Duration::max();
}

}  // namespace burnish::server
