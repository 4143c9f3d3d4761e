#include "server/request_queue.h"

#include <algorithm>

#include "base/error.h"

namespace burnish::server {
namespace {

// Groups are kept when they become empty, as their memory will be needed again; not so many, as shapes come from
// clients.
constexpr size_t kKeptGroups = 8;
constexpr size_t kKeptLevels = 64;

bool is_cancelled(const PendingRequest& pending) {
  return pending.request.cancelled && pending.request.cancelled->load(std::memory_order_relaxed);
}

double milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

Status timed_out(const PendingRequest& pending) {
  return {
      StatusCode::kDeadlineExceeded,
      fmt::format("the request waited longer than its timeout of {:.1f} ms: raise it, lower the load or add instances",
                  milliseconds(pending.expires - pending.enqueued))};
}

}  // namespace

bool have_equal_shapes(const PendingRequest& a, const PendingRequest& b) {
  if (a.shape_key != b.shape_key) return false;
  const int first = a.is_batchable ? 1 : 0;
  for (size_t i = 0; i < a.shapes.size(); ++i) {
    if (a.shapes[i].rank() != b.shapes[i].rank()) return false;
    if (!std::equal(a.shapes[i].begin() + first, a.shapes[i].end(), b.shapes[i].begin() + first)) return false;
  }
  return true;
}

bool must_leave(const PendingRequest& request, Clock::time_point now) {
  return is_cancelled(request) || request.latest_start <= now || request.expires <= now;
}

RequestQueue::RequestQueue(const DynamicBatching& config, uint32_t default_bound)
    : config_(config), default_bound_(default_bound) {}

// A priority that the model does not have means the default, as in Triton.
uint64_t RequestQueue::priority_of(const InferRequest& request) const {
  if (config_.priority_levels == 0) return 0;
  const bool is_known = request.priority >= 1 && request.priority <= config_.priority_levels;
  if (is_known) return request.priority;
  return config_.default_priority_level != 0 ? config_.default_priority_level : (config_.priority_levels + 1) / 2;
}

const QueuePolicy& RequestQueue::policy_of(uint64_t priority) const {
  const auto at = config_.priority_queue_policy.find(static_cast<uint32_t>(priority));
  return at == config_.priority_queue_policy.end() ? config_.default_queue_policy : at->second;
}

// A request may shorten the model's timeout, not lengthen it.
void RequestQueue::apply_policy(PendingRequest& pending, const QueuePolicy& policy) const {
  uint64_t timeout_us = policy.default_timeout_us;
  const uint64_t own_us = pending.request.timeout_us;
  if (policy.allow_timeout_override && own_us > 0) timeout_us = timeout_us == 0 ? own_us : std::min(timeout_us, own_us);
  constexpr uint64_t kForeverUs = uint64_t{1} << 50;
  pending.delay_on_timeout = policy.delay_on_timeout;
  pending.expires = Clock::time_point::max();
  if (timeout_us > 0 && timeout_us < kForeverUs) {
    pending.expires = pending.enqueued + std::chrono::microseconds(timeout_us);
  }
}

Status RequestQueue::push(PendingPtr& request, Clock::time_point now, std::vector<Refusal>& refused) {
  const uint64_t priority = priority_of(request->request);
  const QueuePolicy& policy = policy_of(priority);
  request->enqueued = now;
  apply_policy(*request, policy);
  const size_t bound = policy.max_queue_size > 0 ? policy.max_queue_size : default_bound_;
  if (waiting_of(priority) >= bound) sweep(now, refused);
  if (waiting_of(priority) >= bound) {
    return {StatusCode::kResourceExhausted,
            fmt::format("the queue is full: {} requests wait{}. Try again later, or raise max_queue_size or the count "
                        "of instances",
                        waiting_of(priority), priority == 0 ? "" : fmt::format(" with priority {}", priority))};
  }
  add(std::move(request), level_of(priority, false));
  return {};
}

size_t RequestQueue::waiting_of(uint64_t priority) const {
  size_t n = 0;
  for (const uint64_t level : {level_of(priority, false), level_of(priority, true)}) {
    const auto at = levels_.find(level);
    n += at == levels_.end() ? 0 : at->second.size;
  }
  return n;
}

void RequestQueue::add(PendingPtr request, uint64_t level_number) {
  Level& level = levels_[level_number];
  RequestGroup* group = find_like(level, *request);
  if (group == nullptr) {
    const auto empty = std::ranges::find_if(level.groups, [](const RequestGroup& g) { return g.requests.empty(); });
    group = empty == level.groups.end() ? &level.groups.emplace_back() : &*empty;
  }
  group->items += request->items;
  group->requests.push_back(std::move(request));
  ++level.size;
  ++size_;
}

PendingPtr RequestQueue::pop(Level& level, RequestGroup& group) {
  PendingPtr request = std::move(group.requests.front());
  group.requests.pop_front();
  group.items -= request->items;
  --level.size;
  --size_;
  return request;
}

RequestGroup* RequestQueue::find_like(Level& level, const PendingRequest& request) {
  for (RequestGroup& group : level.groups) {
    if (!group.requests.empty() && have_equal_shapes(group.head(), request)) return &group;
  }
  return nullptr;
}

void RequestQueue::drop_empty_groups() {
  for (auto& [number, level] : levels_) {
    if (level.groups.size() <= kKeptGroups) continue;
    std::erase_if(level.groups, [](const RequestGroup& g) { return g.requests.empty(); });
  }
  if (levels_.size() > kKeptLevels) std::erase_if(levels_, [](const auto& l) { return l.second.size == 0; });
}

void RequestQueue::dismiss(std::vector<std::pair<uint64_t, PendingPtr>>& leaving, Clock::time_point now,
                           std::vector<Refusal>& refused) {
  for (auto& [level, request] : leaving) {
    if (is_cancelled(*request)) {
      refused.push_back({std::move(request), Outcome::kCancelled, {StatusCode::kCancelled, "the client has gone"}});
    } else if (request->latest_start <= now) {
      refused.push_back({std::move(request),
                         Outcome::kTooLate,
                         {StatusCode::kDeadlineExceeded,
                          "the request waited until its deadline could not be met any more: lower the load, or add "
                          "instances"}});
    } else if (request->delay_on_timeout) {
      request->expires = Clock::time_point::max();
      add(std::move(request), level + 1);
    } else {
      Status status = timed_out(*request);
      refused.push_back({std::move(request), Outcome::kTimedOut, std::move(status)});
    }
  }
}

void RequestQueue::sweep(Clock::time_point now, std::vector<Refusal>& refused) {
  std::vector<std::pair<uint64_t, PendingPtr>> leaving;
  for (auto& [number, level] : levels_) {
    for (RequestGroup& group : level.groups) {
      const size_t before = group.requests.size();
      for (size_t i = 0; i < before; ++i) {  // once around
        PendingPtr request = pop(level, group);
        if (must_leave(*request, now)) {
          leaving.emplace_back(number, std::move(request));
          continue;
        }
        group.items += request->items;
        group.requests.push_back(std::move(request));
        ++level.size;
        ++size_;
      }
    }
  }
  dismiss(leaving, now, refused);
  drop_empty_groups();
}

std::vector<PendingPtr> RequestQueue::clear() {
  std::vector<PendingPtr> all;
  for (auto& [number, level] : levels_) {
    for (RequestGroup& group : level.groups) {
      while (!group.requests.empty()) all.push_back(pop(level, group));
    }
  }
  return all;
}

Clock::time_point RequestQueue::next_expiry() const {
  auto next = Clock::time_point::max();
  for (const auto& [number, level] : levels_) {
    for (const RequestGroup& group : level.groups) {
      for (const PendingPtr& r : group.requests) next = std::min({next, r->expires, r->latest_start});
    }
  }
  return next;
}

const std::list<RequestGroup>* RequestQueue::first_level() const {
  for (const auto& [number, level] : levels_) {
    if (level.size > 0) return &level.groups;
  }
  return nullptr;
}

int64_t RequestQueue::items_like(const PendingRequest& request) const {
  int64_t items = 0;
  for (const auto& [number, level] : levels_) {
    for (const RequestGroup& group : level.groups) {
      if (!group.requests.empty() && have_equal_shapes(group.head(), request)) items += group.items;
    }
  }
  return items;
}

}  // namespace burnish::server
