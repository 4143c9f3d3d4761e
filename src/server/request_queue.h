#pragma once
// The bounded queue before a model's instances: by priority, within it by shape, within that first come, first served.
#include <deque>
#include <list>
#include <map>
#include <vector>

#include "server/model_config.h"
#include "server/pending_request.h"
#include "server/statistics.h"

namespace burnish::server {

/// What is to be answered without having been executed.
struct Refusal {
  PendingPtr request;
  Outcome outcome = Outcome::kFailed;
  Status status;
};

/// Requests of one priority and one shape, oldest first.
struct RequestGroup {
  std::deque<PendingPtr> requests;
  int64_t items = 0;
  const PendingRequest& head() const { return *requests.front(); }
};

/// Not thread-safe.
class RequestQueue {
 public:
  /// default_bound: of each priority, where the configuration has none.
  RequestQueue(const DynamicBatching& config, uint32_t default_bound);

  /// Sets what the policy says of timeouts. Takes the request only when it returns kOk; else kResourceExhausted, after
  /// those that need not wait any more were moved to `refused`.
  Status push(PendingPtr& request, Clock::time_point now, std::vector<Refusal>& refused);
  /// Takes out what need not wait any more: cancelled, timed out, too late for its deadline.
  void sweep(Clock::time_point now, std::vector<Refusal>& refused);
  /// Everything.
  std::vector<PendingPtr> clear();

  size_t size() const { return size_; }
  /// f(group) for what will be served before this new request.
  template <typename F>
  void for_each_before(const InferRequest& request, F&& f) const {
    const uint64_t own = level_of(priority_of(request), false);
    for (auto level = levels_.begin(); level != levels_.end() && level->first <= own; ++level) {
      for (const RequestGroup& group : level->second.groups) f(group);
    }
  }
  /// When sweep() will find something at the earliest (cancelled requests aside); time_point::max() if never.
  Clock::time_point next_expiry() const;

  /// The groups of the highest priority that waits, some of them perhaps empty; nullptr when nothing waits.
  const std::list<RequestGroup>* first_level() const;
  /// Items of this shape in all priorities.
  int64_t items_like(const PendingRequest& request) const;
  /// Moves requests like the group's head to the batch, from its priority on downwards, while `fits` says that the next
  /// one may join. Those that need not wait any more go to `refused` instead.
  template <typename Fits>
  void take(const RequestGroup& first, Clock::time_point now, Batch& batch, std::vector<Refusal>& refused, Fits&& fits);

 private:
  // Delayed requests form a level of their own behind their priority's.
  struct Level {
    std::list<RequestGroup> groups;
    size_t size = 0;
  };
  const QueuePolicy& policy_of(uint64_t priority) const;
  uint64_t level_of(uint64_t priority, bool delayed) const { return 2 * priority + (delayed ? 1 : 0); }
  uint64_t priority_of(const InferRequest& request) const;
  void apply_policy(PendingRequest& pending, const QueuePolicy& policy) const;
  void add(PendingPtr request, uint64_t level);
  PendingPtr pop(Level& level, RequestGroup& group);
  /// Of requests that must leave, with their levels: to `refused`, or to the delayed ones of their priority.
  void dismiss(std::vector<std::pair<uint64_t, PendingPtr>>& leaving, Clock::time_point now,
               std::vector<Refusal>& refused);
  size_t waiting_of(uint64_t priority) const;
  static RequestGroup* find_like(Level& level, const PendingRequest& request);
  void drop_empty_groups();

  DynamicBatching config_;
  uint32_t default_bound_;
  std::map<uint64_t, Level> levels_;
  size_t size_ = 0;
};

/// Same inputs' shapes, the number of items aside.
bool have_equal_shapes(const PendingRequest& a, const PendingRequest& b);
/// Cancelled, timed out, or too late for its deadline.
bool must_leave(const PendingRequest& request, Clock::time_point now);

template <typename Fits>
void RequestQueue::take(const RequestGroup& first, Clock::time_point now, Batch& batch, std::vector<Refusal>& refused,
                        Fits&& fits) {
  std::vector<std::pair<uint64_t, PendingPtr>> leaving;
  const PendingRequest* like = &first.head();
  bool more = true;
  for (auto& [number, level] : levels_) {
    RequestGroup* group = more ? find_like(level, *like) : nullptr;
    while (group != nullptr && more && !group->requests.empty()) {
      const bool leaves = must_leave(group->head(), now);
      more = leaves || fits(group->head());
      if (!more) break;
      PendingPtr request = pop(level, *group);
      like = request.get();
      if (leaves) {
        leaving.emplace_back(number, std::move(request));
      } else {
        batch.items += request->items;
        batch.requests.push_back(std::move(request));
      }
    }
  }
  dismiss(leaving, now, refused);
  drop_empty_groups();
}

}  // namespace burnish::server
