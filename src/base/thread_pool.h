#pragma once
// A fixed team of threads for data-parallel steps. Each ExecutionContext has its own.
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/thread_team.h"

namespace burnish {

/// Non-owning reference to a callable `void(int thread, int num_threads)`; never allocates.
class ParallelBody {
 public:
  template <typename F>
  ParallelBody(const F& f)  // NOLINT(google-explicit-constructor): meant for lambdas at the call
      : object_(&f), call_([](const void* o, int t, int n) { (*static_cast<const F*>(o))(t, n); }) {}
  void operator()(int thread, int num_threads) const { call_(object_, thread, num_threads); }

 private:
  const void* object_;
  void (*call_)(const void*, int, int);
};

class ThreadPool {  // NOLINT(clang-analyzer-optin.performance.Padding): what threads write lies apart
 public:
  /// num_threads ≥ 1 counts the calling thread: one means no other thread. Zero means the number of cores allowed.
  explicit ThreadPool(int num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const { return num_threads_; }

  /// Calls body(t, num_threads()) once for each t, t = 0 on the caller, and returns when all are done. Not reentrant;
  /// one caller at a time. The body must not throw. Workers spin for a short while before they sleep, so that the
  /// steps of one execution follow each other without system calls.
  void run(const ParallelBody& body);

  /// run() over [0, n) split in num_threads() contiguous ranges: f(begin, end).
  template <typename F>
  void for_ranges(int64_t n, const F& f) {
    if (num_threads_ == 1 || n <= 1) {
      if (n > 0) f(int64_t{0}, n);
      return;
    }
    run([&](int t, int threads) {
      const int64_t begin = n * t / threads;
      const int64_t end = n * (t + 1) / threads;
      if (begin < end) f(begin, end);
    });
  }

 private:
  void work(int thread);
  void await_work(int thread, uint32_t seen);
  int num_threads_;
  ThreadTeam team_;
  const ParallelBody* body_ = nullptr;
  alignas(64) std::atomic<uint32_t> generation_{0};
  alignas(64) std::atomic<int> pending_{0};
  alignas(64) std::atomic<int> sleepers_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::thread> workers_;
};

/// Number of processors this process may run on; at least 1.
int num_available_cores();

}  // namespace burnish
