#include "server/scheduler.h"

#include <algorithm>

#include "base/error.h"

namespace burnish::server {
namespace {

// A guest is a thread that brings requests. It executes what is usually shorter than this, and for that long at most:
// its other connections wait meanwhile.
constexpr std::chrono::microseconds kGuestTime{200};
// Callbacks of guests can submit again.
constexpr int kMaxGuestDepth = 4;
thread_local int guest_depth = 0;
// What seems too slow for all deadlines is tried again after so long, as times change.
constexpr std::chrono::seconds kProbeInterval{1};

uint64_t nanoseconds(Clock::duration duration) {
  return duration.count() > 0
             ? static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count())
             : 0;
}

double milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

void respond(const ModelContext& model, PendingRequest& pending, InferResponse&& response) {
  response.model = model.name;
  response.version = model.version;
  response.id = std::move(pending.request.id);
  try {
    pending.done(std::move(response));
  } catch (...) {  // a callback's fault must not cost the other requests of the batch their answers
  }
}

}  // namespace

Scheduler::Scheduler(std::shared_ptr<const ModelContext> model, SchedulerSettings settings,
                     std::shared_ptr<Statistics> statistics)
    : model_(std::move(model)),
      statistics_(std::move(statistics)),
      warm_up_(std::move(settings.warm_up)),
      queue_(settings.batching.value_or(DynamicBatching{}), settings.max_queue_size),
      batcher_(settings.batching, settings.max_batch) {
  for (InstanceSettings& instance : settings.instances) {
    slots_.push_back(std::make_unique<Slot>());
    slots_.back()->settings = std::move(instance);
  }
}

Scheduler::~Scheduler() = default;

void Scheduler::refuse(const ModelContext& model, Statistics& statistics, Refusal refusal) {
  statistics.record_rejection(refusal.outcome, nanoseconds(Clock::now() - refusal.request->request.received));
  InferResponse response;
  response.status = std::move(refusal.status);
  response.status.message = fmt::format("model '{}': {}", model.name, response.status.message);
  respond(model, *refusal.request, std::move(response));
}

void Scheduler::refuse_all(std::vector<Refusal>& refused) const {
  for (Refusal& refusal : refused) refuse(*model_, *statistics_, std::move(refusal));
  refused.clear();
}

void Scheduler::submit(PendingPtr request) {
  std::vector<Refusal> refused;
  {
    Lock lock(mutex_);
    enqueue(std::move(request), refused);
    if (!idle_.empty() && guest_depth < kMaxGuestDepth) {
      Slot& slot = *idle_.back();
      const auto now = Clock::now();
      if (is_for_guests(slot, batcher_.decide(queue_, times_, now))) {
        occupy(slot, now);
        execute_ready(slot, lock, true);
        release(slot);
      }
    }
    arrange();
  }
  refuse_all(refused);
}

void Scheduler::enqueue(PendingPtr request, std::vector<Refusal>& refused) {
  const auto now = Clock::now();
  if (auto refusal = refuse_early(request, now)) return refused.push_back(std::move(*refusal));
  const PendingRequest& pending = *request;
  Status status = queue_.push(request, now, refused);
  if (!status.ok()) return refused.push_back({std::move(request), Outcome::kQueueFull, std::move(status)});
  if (idle_.empty()) watch_timeouts(std::min(pending.expires, pending.latest_start));
}

std::optional<Refusal> Scheduler::refuse_early(PendingPtr& request, Clock::time_point now) {
  if (is_draining_) {
    return Refusal{std::move(request),
                   Outcome::kDraining,
                   {StatusCode::kUnavailable, fmt::format("version {} is being unloaded", model_->version)}};
  }
  const auto deadline = request->request.deadline;
  if (deadline == Clock::time_point::max()) return std::nullopt;
  const auto least = times_.least(request->shape_key, request->items);
  const bool is_idle = queue_.size() == 0 && !idle_.empty();
  const bool is_probe = is_idle && now - last_execution_ > kProbeInterval;
  request->latest_start = is_probe ? deadline : deadline - least;
  const auto end = is_probe ? now : earliest_start(request->request, now) + least;
  if (end < deadline && now < deadline) return std::nullopt;
  const double left_ms = milliseconds(deadline - now);
  std::string message =
      left_ms <= 0 ? "the request's deadline had passed when it came"
                   : fmt::format(
                         "the request cannot be answered before its deadline in {:.1f} ms: it would take at least "
                         "{:.1f} ms now",
                         left_ms, milliseconds(end - now));
  return Refusal{std::move(request), Outcome::kTooLate, {StatusCode::kDeadlineExceeded, std::move(message)}};
}

// If everything goes as fast as ever.
Clock::time_point Scheduler::earliest_start(const InferRequest& request, Clock::time_point now) const {
  ExecutionTimes::Duration work{};
  queue_.for_each_before(request, [&](const RequestGroup& group) { work += batcher_.least_work(group, times_); });
  auto free = idle_.empty() ? Clock::time_point::max() : now;
  for (const auto& slot : slots_) {
    if (slot->executor != std::thread::id()) free = std::min(free, std::max(now, slot->earliest_end));
  }
  return free + work / static_cast<int64_t>(slots_.size());
}

// Whether a guest may execute what was decided.
bool Scheduler::is_for_guests(const Slot& slot, const Batcher::Decision& decision) const {
  if (decision.group == nullptr || !slot.settings.cores.empty()) return false;
  const PendingRequest& head = decision.group->head();
  const int64_t items = std::min(decision.items, queue_.items_like(head));
  return times_.typical(head.shape_key, std::max(items, head.items)) < kGuestTime;
}

void Scheduler::occupy(Slot& slot, Clock::time_point now) {
  std::erase(idle_, &slot);
  slot.executor = std::this_thread::get_id();
  slot.busy_since = now;
  slot.earliest_end = now;
}

void Scheduler::release(Slot& slot) {
  slot.executor = {};
  slot.busy_ns += nanoseconds(Clock::now() - slot.busy_since);
  idle_.push_back(&slot);
  if (is_draining_) drained_.notify_all();
}

void Scheduler::execute_ready(Slot& slot, Lock& lock, bool is_guest) {
  ++guest_depth;
  const auto begin = Clock::now();
  for (auto now = begin; !is_guest || now - begin < kGuestTime; now = Clock::now()) {
    const Batcher::Decision decision = batcher_.decide(queue_, times_, now);
    if (decision.group == nullptr || (is_guest && !is_for_guests(slot, decision))) break;
    std::vector<Refusal> refused;
    Batch batch = batcher_.take(queue_, decision, times_, now, refused);
    slot.earliest_end = now + times_.least(batch.shape_key, batch.items);
    slot.num_executing = batch.requests.size();
    arrange();  // another instance may go on with what is left
    lock.unlock();
    refuse_all(refused);
    InferTiming timing;
    if (!batch.requests.empty()) execute_batch(slot, batch, timing);
    lock.lock();
    slot.num_executing = 0;
    if (batch.requests.empty()) continue;
    last_execution_ = Clock::now();
    statistics_->record_busy(static_cast<uint64_t>(batch.items), nanoseconds(last_execution_ - now));
    times_.record(batch.shape_key, batch.items,
                  std::chrono::nanoseconds(timing.input_ns + timing.infer_ns + timing.output_ns));
  }
  --guest_depth;
}

void Scheduler::execute_batch(Slot& slot, Batch& batch, InferTiming& timing) {
  const auto begin = Clock::now();
  std::vector<InferResponse> responses;
  slot.instance->execute(batch, responses, timing);
  const auto end = Clock::now();
  std::vector<Statistics::Executed> executed(responses.size());
  for (size_t r = 0; r < responses.size(); ++r) {
    const PendingRequest& pending = *batch.requests[r];
    responses[r].timing = timing;
    responses[r].timing.queue_ns = nanoseconds(begin - pending.enqueued);
    executed[r] = {responses[r].timing,
                   static_cast<uint64_t>(pending.items),
                   nanoseconds(end - pending.request.received),
                   responses[r].status.ok(),
                   pending.missed_cache,
                   pending.cache_ns};
    if (!responses[r].status.ok()) {
      responses[r].status.message = fmt::format("model '{}': {}", model_->name, responses[r].status.message);
    }
  }
  ++slot.executions;
  statistics_->record_execution(static_cast<uint64_t>(batch.items), timing, executed);
  for (size_t r = 0; r < responses.size(); ++r) {
    respond(*model_, *batch.requests[r], std::move(responses[r]));
    batch.requests[r].reset();  // what the request held is not needed while the others are answered
  }
}

// Sees to it that an instance looks after what waits. To be called whenever the queue or the instances have changed.
void Scheduler::arrange() {
  if (queue_.size() == 0 || idle_.empty()) return;
  if (std::ranges::any_of(idle_, &Slot::is_called)) return;
  const Batcher::Decision decision = batcher_.decide(queue_, times_, Clock::now());
  if (decision.group == nullptr && decision.look_again >= watched_until_) return;
  idle_.back()->is_called = true;
  idle_.back()->wake.notify_one();
}

void Scheduler::read(VersionState& state) const {
  const Lock lock(mutex_);
  state.alive_ns = nanoseconds(Clock::now() - alive_since_);
  state.pending = queue_.size();
  state.executing = 0;
  for (const auto& slot : slots_) {
    const bool is_busy = slot->executor != std::thread::id();
    const uint64_t now_ns = is_busy ? nanoseconds(Clock::now() - slot->busy_since) : 0;
    state.executing += slot->num_executing;
    state.instances.push_back({slot->settings.name, slot->settings.cores, slot->settings.threads, is_busy,
                               slot->executions, slot->busy_ns + now_ns,
                               model_->signature.is_for_gpu() ? slot->settings.device : -1});
  }
}

}  // namespace burnish::server
