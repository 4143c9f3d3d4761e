#include "server/statistics.h"

#include <chrono>

namespace burnish::server {
namespace {

void add(DurationStatistics& to, uint64_t ns) {
  ++to.count;
  to.ns += ns;
}

uint64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

uint64_t* counter_of(Rejections& rejections, Outcome outcome) {
  switch (outcome) {
    case Outcome::kInvalid:
      return &rejections.invalid;
    case Outcome::kQueueFull:
      return &rejections.queue_full;
    case Outcome::kTimedOut:
      return &rejections.timed_out;
    case Outcome::kTooLate:
      return &rejections.too_late;
    case Outcome::kCancelled:
      return &rejections.cancelled;
    case Outcome::kDraining:
      return &rejections.draining;
    default:
      return nullptr;
  }
}

}  // namespace

void Statistics::record_execution(uint64_t batch_size, const InferTiming& batch,
                                  const std::vector<Executed>& requests) {
  const auto now = Clock::now();
  const std::lock_guard lock(mutex_);
  ++counters_.execution_count;
  BatchStatistics& statistics = batches_[batch_size];
  statistics.batch_size = batch_size;
  add(statistics.input, batch.input_ns);
  add(statistics.infer, batch.infer_ns);
  add(statistics.output, batch.output_ns);
  counters_.last_inference_ms = now_ms();
  for (const Executed& request : requests) {
    total_.record(request.total_ns, now);
    if (!request.ok) {
      add(counters_.fail, request.total_ns);
      continue;
    }
    const InferTiming& timing = request.timing;
    counters_.inference_count += request.items;
    add(counters_.success, request.total_ns);
    add(counters_.queue, timing.queue_ns);
    add(counters_.compute_input, timing.input_ns);
    add(counters_.compute_infer, timing.infer_ns);
    add(counters_.compute_output, timing.output_ns);
    if (request.missed_cache) add(counters_.cache_miss, request.cache_ns);
    queue_.record(timing.queue_ns, now);
    compute_.record(timing.input_ns + timing.infer_ns + timing.output_ns, now);
  }
}

void Statistics::record_busy(uint64_t batch_size, uint64_t ns) {
  const std::lock_guard lock(mutex_);
  BatchStatistics& statistics = batches_[batch_size];
  statistics.batch_size = batch_size;
  add(statistics.busy, ns);
}

void Statistics::record_cache_hit(uint64_t lookup_ns, uint64_t total_ns) {
  const auto now = Clock::now();
  const std::lock_guard lock(mutex_);
  counters_.last_inference_ms = now_ms();
  add(counters_.success, total_ns);
  add(counters_.cache_hit, lookup_ns);
  total_.record(total_ns, now);
}

void Statistics::record_rejection(Outcome outcome, uint64_t total_ns) {
  const std::lock_guard lock(mutex_);
  add(counters_.fail, total_ns);
  if (uint64_t* counter = counter_of(rejections_, outcome)) ++*counter;
}

void Statistics::read(VersionState& state) const {
  const auto now = Clock::now();
  const std::lock_guard lock(mutex_);
  const std::string name = state.statistics.name, version = state.statistics.version;
  state.statistics = counters_;
  state.statistics.name = name;
  state.statistics.version = version;
  for (const auto& [size, batch] : batches_) state.statistics.batches.push_back(batch);
  state.queue = {queue_.all(), queue_.recent(now)};
  state.compute = {compute_.all(), compute_.recent(now)};
  state.total = {total_.all(), total_.recent(now)};
  state.rejections = rejections_;
}

}  // namespace burnish::server
