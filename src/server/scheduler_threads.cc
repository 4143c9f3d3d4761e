// The scheduler's threads: one of each instance, and one that answers what has waited too long.
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <system_error>

#include "base/error.h"
#include "server/scheduler.h"

namespace burnish::server {
namespace {

// Timeouts are looked after in steps of this, so that many of them do not cost a wake-up each.
constexpr std::chrono::milliseconds kTimeoutStep{1};

// The first execution finds cold memory: what is shorter is executed again, so that the measured time tells of others.
constexpr std::chrono::milliseconds kQuickWarmUp{10};

// The calling thread; threads that it starts inherit it.
void bind_to_cores(const InstanceSettings& settings) {
  if (settings.cores.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : settings.cores) {
    check(core >= 0 && core < CPU_SETSIZE, ErrorCode::kInvalidArgument, "instance '{}': there is no core {}",
          settings.name, core);
    CPU_SET(static_cast<size_t>(core), &set);
  }
  check(pthread_setaffinity_np(pthread_self(), sizeof(set), &set) == 0, ErrorCode::kInvalidArgument,
        "instance '{}': its cores [{}] are not there, or not this process's: correct the parameter \"cores\" of the "
        "instance group",
        settings.name, fmt::join(settings.cores, ","));
}

}  // namespace

void Scheduler::start() {
  std::exception_ptr failure;
  try {
    for (const auto& slot : slots_) {
      slot->thread = std::thread([self = shared_from_this(), s = slot.get()] { self->serve(*s); });
    }
    Lock lock(mutex_);
    drained_.wait(lock, [&] { return std::ranges::all_of(slots_, [](const auto& s) { return s->is_started; }); });
    for (const auto& slot : slots_) failure = failure ? failure : slot->failure;
    alive_since_ = Clock::now();
  } catch (...) {  // no thread to be had
    failure = std::current_exception();
  }
  if (!failure) return;
  stop_threads();
  std::rethrow_exception(failure);
}

void Scheduler::start_instance(Slot& slot) {
  bind_to_cores(slot.settings);
  pthread_setname_np(pthread_self(), slot.settings.name.substr(0, 15).c_str());
  slot.instance = std::make_unique<Instance>(*model_, slot.settings.device, slot.settings.threads);
  if (!warm_up_) return;
  for (const Batch& batch : warm_up_()) {
    const auto first = warm_up(slot, batch);
    const auto duration = first < kQuickWarmUp ? warm_up(slot, batch) : first;
    const Lock lock(mutex_);
    times_.record(batch.shape_key, batch.items, duration);
  }
}

std::chrono::nanoseconds Scheduler::warm_up(Slot& slot, const Batch& batch) const {
  std::vector<InferResponse> responses;
  InferTiming timing;
  slot.instance->execute(batch, responses, timing);
  const bool failed = !responses.empty() && !responses[0].status.ok();
  check(!failed, ErrorCode::kInvalidArgument, "the warm-up fails: {}", failed ? responses[0].status.message : "");
  return std::chrono::nanoseconds(timing.input_ns + timing.infer_ns + timing.output_ns);
}

void Scheduler::serve(Slot& slot) {
  try {
    start_instance(slot);
  } catch (...) {
    const Lock lock(mutex_);
    slot.failure = std::current_exception();
  }
  Lock lock(mutex_);
  slot.is_started = true;
  drained_.notify_all();
  if (slot.failure) return;
  idle_.push_back(&slot);
  while (!is_stopping_) {
    slot.is_called = false;
    const auto now = Clock::now();
    const bool is_free = slot.executor == std::thread::id();
    const Batcher::Decision decision = is_free ? batcher_.decide(queue_, times_, now) : Batcher::Decision{};
    if (decision.group == nullptr) {
      if (!is_free) arrange();  // a guest has taken the instance: what it was called for may be for another
      wait_for_work(slot, lock, decision.look_again);
      continue;
    }
    occupy(slot, now);
    execute_ready(slot, lock, false);
    release(slot);
  }
}

// One idle instance, the watcher, sleeps until a batch has waited long enough; the others until they are called.
void Scheduler::wait_for_work(Slot& slot, Lock& lock, Clock::time_point look_again) {
  const auto is_wanted = [&] { return slot.is_called || is_stopping_; };
  if (look_again >= watched_until_) return slot.wake.wait(lock, is_wanted);
  watcher_ = &slot;
  watched_until_ = look_again;
  slot.wake.wait_until(lock, look_again, is_wanted);
  if (watcher_ != &slot) return;
  watcher_ = nullptr;
  watched_until_ = Clock::time_point::max();
}

void Scheduler::watch_timeouts(Clock::time_point expiry) {
  if (expiry >= next_expiry_ || is_stopping_) return;
  try {
    if (!expirer_.joinable()) expirer_ = std::thread([self = shared_from_this()] { self->expire_requests(); });
  } catch (const std::system_error&) {  // no thread to be had: the instances find what has expired, if later
    return;
  }
  next_expiry_ = expiry;
  expirer_wake_.notify_one();
}

void Scheduler::expire_requests() {
  Lock lock(mutex_);
  while (!is_stopping_) {
    const auto now = Clock::now();
    if (now < next_expiry_) {
      if (next_expiry_ == Clock::time_point::max()) {
        expirer_wake_.wait(lock);
      } else {
        expirer_wake_.wait_until(lock, next_expiry_);
      }
      continue;
    }
    std::vector<Refusal> refused;
    queue_.sweep(now, refused);
    const auto next = queue_.next_expiry();
    next_expiry_ = next == Clock::time_point::max() ? next : std::max(next, now + kTimeoutStep);
    if (is_draining_) drained_.notify_all();
    lock.unlock();
    refuse_all(refused);
    lock.lock();
  }
}

// An answer's callback may be what ends the version: its own execution is not waited for.
bool Scheduler::has_others_busy() const {
  return std::ranges::any_of(slots_, [](const auto& slot) {
    return slot->executor != std::thread::id() && slot->executor != std::this_thread::get_id();
  });
}

bool Scheduler::drain(Clock::time_point deadline) {
  const std::lock_guard one_at_a_time(drain_mutex_);
  std::vector<Refusal> refused;
  {
    Lock lock(mutex_);
    if (is_stopping_) return true;
    is_draining_ = true;
    batcher_.hurry();
    arrange();
    const auto is_done = [&] { return queue_.size() == 0 && !has_others_busy(); };
    if (deadline == Clock::time_point::max()) {
      drained_.wait(lock, is_done);
    } else {
      drained_.wait_until(lock, deadline, is_done);
    }
    const std::string message = fmt::format("version {} was unloaded before its turn came", model_->version);
    for (PendingPtr& request : queue_.clear()) {
      refused.push_back({std::move(request), Outcome::kDraining, {StatusCode::kUnavailable, message}});
    }
  }
  const bool has_refused = !refused.empty();
  refuse_all(refused);
  {
    Lock lock(mutex_);
    drained_.wait(lock, [&] { return !has_others_busy(); });
  }
  stop_threads();
  return !has_refused;
}

void Scheduler::stop_threads() {
  {
    const Lock lock(mutex_);
    is_stopping_ = true;
    for (const auto& slot : slots_) slot->wake.notify_all();
    expirer_wake_.notify_all();
  }
  std::vector<std::thread*> threads{&expirer_};
  for (const auto& slot : slots_) threads.push_back(&slot->thread);
  for (std::thread* thread : threads) {
    if (!thread->joinable()) continue;
    if (thread->get_id() == std::this_thread::get_id()) {
      thread->detach();
    } else {
      thread->join();
    }
  }
  const Lock lock(mutex_);
  for (const auto& slot : slots_) {
    if (slot->executor == std::thread::id()) slot->instance.reset();
  }
}

}  // namespace burnish::server
