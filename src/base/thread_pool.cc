#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>

namespace burnish {
namespace {

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// A worker spins this long before it sleeps: longer than the gap between most steps, shorter than a time slice.
constexpr unsigned kSpins = 1000;
// Who waits longer than this (5 to 10 µs) offers its core now and then: on oversubscribed cores the thread that it
// waits for may need just that one. Where nobody needs it, the offer costs a fraction of a microsecond; where a process
// that computes all the time takes it, a time slice: so not sooner.
constexpr unsigned kSpinsBeforeYield = 200;
constexpr unsigned kSpinsBetweenYields = 8;

inline void spin(unsigned round) {
  if (round < kSpinsBeforeYield || round % kSpinsBetweenYields != 0) return pause();
  std::this_thread::yield();
}

}  // namespace

int num_available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

ThreadPool::ThreadPool(int num_threads)
    : num_threads_(num_threads > 0 ? num_threads : num_available_cores()), team_(num_threads_) {
  workers_.reserve(static_cast<size_t>(num_threads_ - 1));
  for (int t = 1; t < num_threads_; ++t) workers_.emplace_back([this, t] { work(t); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_.store(true);
    generation_.fetch_add(1);
  }
  wake_.notify_all();
  for (auto& w : workers_) w.join();
}

void ThreadPool::run(const ParallelBody& body) {
  if (num_threads_ == 1) return body(0, 1);
  body_ = &body;
  team_.arrive(0);
  pending_.store(num_threads_ - 1, std::memory_order_relaxed);
  generation_.fetch_add(1);  // sequentially consistent against sleepers_, so that no wake-up is lost
  if (sleepers_.load() > 0) {
    { const std::lock_guard lock(mutex_); }
    wake_.notify_all();
  }
  body(0, num_threads_);
  for (unsigned i = 0; pending_.load(std::memory_order_acquire) != 0; ++i) spin(i);
}

/// Returns when the generation is no longer the one that was seen.
void ThreadPool::await_work(int thread, uint32_t seen) {
  for (unsigned i = 0; i < kSpins; ++i) {
    if (generation_.load(std::memory_order_acquire) != seen) {
      if (i > kSpinsBeforeYield) team_.separate(thread);
      return;
    }
    spin(i);
  }
  {
    std::unique_lock lock(mutex_);
    sleepers_.fetch_add(1);
    wake_.wait(lock, [&] { return generation_.load() != seen; });
    sleepers_.fetch_sub(1);
  }
  team_.separate(thread);
}

void ThreadPool::work(int thread) {
  uint32_t seen = 0;
  while (true) {
    await_work(thread, seen);
    seen = generation_.load(std::memory_order_acquire);
    if (stop_.load(std::memory_order_acquire)) return;
    (*body_)(thread, num_threads_);
    pending_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace burnish
