#pragma once
// Keeps the threads of a pool on cores of their own.
#include <atomic>
#include <chrono>
#include <vector>

namespace burnish {

/// Where each thread of a pool runs. A thread that wakes up often finds itself on the core of the one that woke it,
/// though other cores are idle: in virtual machines above all, where the kernel takes a halted core for one that is not
/// at hand. It leaves two threads that yield to each other there for milliseconds, longer than many a model takes.
class ThreadTeam {
 public:
  explicit ThreadTeam(int num_threads);

  /// Thread `thread` runs here: for others to see. Costs nanoseconds.
  void arrive(int thread);
  /// As arrive(). If another thread of the team runs on this core, moves this one to a core of its own, unless it has
  /// been moved within the last few milliseconds or the team is larger than the number of cores. Only a push: the
  /// thread may run wherever it was allowed to before, and where it may not choose its core, it stays. Workers only.
  void separate(int thread);

 private:
  using Clock = std::chrono::steady_clock;
  struct alignas(64) Place {
    std::atomic<int> cpu{-1};
    Clock::time_point moved;
  };
  bool is_shared(int thread, int cpu) const;
  std::vector<Place> places_;
};

}  // namespace burnish
