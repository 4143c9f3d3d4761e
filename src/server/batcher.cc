#include "server/batcher.h"

#include <algorithm>

#include "base/batch_size.h"

namespace burnish::server {
namespace {

// Waiting for company must not cost a request its timeout.
Clock::time_point before_expiry(const PendingRequest& request) {
  if (request.expires == Clock::time_point::max()) return request.expires;
  return request.expires - (request.expires - request.enqueued) / 4;
}

}  // namespace

Batcher::Batcher(const std::optional<DynamicBatching>& config, int64_t max_batch)
    : max_batch_(max_batch), is_dynamic_(config.has_value() && max_batch > 1) {
  if (!is_dynamic_) return;
  preferred_.assign(config->preferred_batch_size.begin(), config->preferred_batch_size.end());
  std::ranges::sort(preferred_);
  delay_ = std::chrono::microseconds(config->max_queue_delay_us);
}

int64_t Batcher::items_now(int64_t waiting, bool waited_enough) const {
  if (waiting >= max_batch_ && preferred_.empty()) return max_batch_;
  const auto above = std::ranges::upper_bound(preferred_, waiting);
  const bool reaches_largest = !preferred_.empty() && above == preferred_.end();
  if (reaches_largest) return preferred_.back();
  if (!waited_enough) return 0;
  if (preferred_.empty()) return prepared_batch_size(std::min(waiting, max_batch_));
  const bool immediate = delay_ == Clock::duration::zero();
  return immediate && above != preferred_.begin() ? *std::prev(above) : std::min(waiting, max_batch_);
}

// Deadlines of requests beyond the first few are not looked at: they will be, once those are gone.
Clock::time_point Batcher::latest_start(const RequestGroup& group, int64_t items, const ExecutionTimes& times) const {
  constexpr size_t kLookedAt = 4;
  auto deadline = Clock::time_point::max();
  for (size_t i = 0; i < std::min(kLookedAt, group.requests.size()); ++i) {
    deadline = std::min(deadline, group.requests[i]->request.deadline);
  }
  if (deadline == Clock::time_point::max()) return deadline;
  const auto takes = times.typical(group.head().shape_key, items);
  return takes == ExecutionTimes::Duration::max() ? Clock::time_point::min() : deadline - takes - takes / 4;
}

Clock::time_point Batcher::start_of(const RequestGroup& group, int64_t items, const ExecutionTimes& times) const {
  return std::min({group.head().enqueued + delay_, latest_start(group, items, times), before_expiry(group.head())});
}

// The oldest request is served first, unless it still waits for company and another shape is complete.
Batcher::Decision Batcher::decide(const RequestQueue& queue, const ExecutionTimes& times, Clock::time_point now) const {
  Decision decision;
  const std::list<RequestGroup>* groups = queue.first_level();
  if (groups == nullptr) return decision;
  const RequestGroup *oldest = nullptr, *complete = nullptr;
  const auto is_older = [](const RequestGroup& group, const RequestGroup* than) {
    return than == nullptr || group.head().enqueued < than->head().enqueued;
  };
  for (const RequestGroup& group : *groups) {
    if (group.requests.empty()) continue;
    if (is_older(group, oldest)) oldest = &group;
    if (!is_dynamic_) continue;
    if (group.items >= complete_size() && is_older(group, complete)) complete = &group;
    decision.look_again = std::min(decision.look_again, start_of(group, group.items, times));
  }
  if (oldest == nullptr) return decision;
  if (!is_dynamic_) return {oldest, oldest->head().items, now};
  const int64_t waiting = queue.items_like(oldest->head());
  const int64_t items = items_now(waiting, start_of(*oldest, waiting, times) <= now);
  if (items > 0) return {oldest, items, now};
  if (complete != nullptr) return {complete, items_now(complete->items, false), now};
  for (const RequestGroup& group : *groups) {  // a younger one whose deadline comes first
    const bool is_due = !group.requests.empty() && start_of(group, group.items, times) <= now;
    if (is_due) return {&group, prepared_batch_size(std::min(group.items, max_batch_)), now};
  }
  return decision;
}

ExecutionTimes::Duration Batcher::least_work(const RequestGroup& group, const ExecutionTimes& times) const {
  if (group.requests.empty()) return {};
  const int64_t executions = is_dynamic_ ? group.items / max_batch_ : static_cast<int64_t>(group.requests.size());
  return times.least(group.head().shape_key, is_dynamic_ ? max_batch_ : 1) * executions;
}

Batch Batcher::take(RequestQueue& queue, const Decision& decision, const ExecutionTimes& times, Clock::time_point now,
                    std::vector<Refusal>& refused) const {
  Batch batch;
  batch.shape_key = decision.group->head().shape_key;
  auto deadline = Clock::time_point::max();
  queue.take(*decision.group, now, batch, refused, [&](const PendingRequest& next) {
    deadline = std::min(deadline, next.request.deadline);
    if (batch.requests.empty()) return true;
    if (!is_dynamic_ || batch.items + next.items > decision.items) return false;
    if (deadline == Clock::time_point::max()) return true;
    return now + times.least(batch.shape_key, batch.items + next.items) <= deadline;
  });
  return batch;
}

}  // namespace burnish::server
