#include "engine/memory_planner.h"

#include <algorithm>
#include <numeric>

#include "base/checked.h"
#include "base/tensor.h"

namespace burnish {
namespace {

bool overlap_in_time(const BufferRequest& a, const BufferRequest& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

int64_t align_up(int64_t n) {
  const auto alignment = static_cast<int64_t>(kAlignment);
  return checked_add(n, alignment - 1) / alignment * alignment;
}

// The start of the smallest gap that holds num_bytes between the taken ranges (sorted by offset), else their end.
int64_t best_fit(const std::vector<std::pair<int64_t, int64_t>>& taken, int64_t num_bytes) {
  int64_t end = 0;
  int64_t best = -1;
  int64_t best_gap = 0;
  for (const auto& [begin, stop] : taken) {
    const int64_t gap = begin - end;
    if (gap >= num_bytes && (best < 0 || gap < best_gap)) {
      best = end;
      best_gap = gap;
    }
    end = std::max(end, stop);
  }
  return best >= 0 ? best : end;
}

}  // namespace

MemoryPlan plan_memory(std::span<const BufferRequest> requests) {
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return requests[a].num_bytes > requests[b].num_bytes; });
  MemoryPlan plan;
  plan.offsets.assign(requests.size(), 0);
  std::vector<size_t> placed;  // sorted by offset
  std::vector<std::pair<int64_t, int64_t>> taken;
  for (const size_t i : order) {
    const int64_t num_bytes = align_up(requests[i].num_bytes);
    if (num_bytes == 0) continue;
    taken.clear();
    for (const size_t p : placed) {
      if (!overlap_in_time(requests[i], requests[p])) continue;
      taken.emplace_back(plan.offsets[p], plan.offsets[p] + align_up(requests[p].num_bytes));
    }
    plan.offsets[i] = best_fit(taken, num_bytes);
    plan.arena_bytes = std::max(plan.arena_bytes, checked_add(plan.offsets[i], num_bytes));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), i,
                                   [&](size_t a, size_t b) { return plan.offsets[a] < plan.offsets[b]; }),
                  i);
  }
  return plan;
}

}  // namespace burnish
