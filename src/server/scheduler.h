#pragma once
// The instances of one model version with the queue before them: who executes what, when, on which thread.
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/batcher.h"
#include "server/instance.h"
#include "server/statistics.h"

namespace burnish::server {

struct InstanceSettings {
  std::string name;
  int threads = 1;
  std::vector<int> cores;  ///< Empty: unbound.
  int device = 0;          ///< Of engines for GPUs.
};

struct SchedulerSettings {
  std::vector<InstanceSettings> instances;
  std::optional<DynamicBatching> batching;
  int64_t max_batch = 1;
  uint32_t max_queue_size = 0;
  /// Executed by every instance before it takes requests; their answers are dropped.
  std::function<std::vector<Batch>()> warm_up;
};

/// Thread-safe. Every instance has a thread that waits for work. Where an instance is free and the work is short, the
/// thread that submits does it instead, which saves two changes of threads.
class Scheduler : public std::enable_shared_from_this<Scheduler> {
 public:
  Scheduler(std::shared_ptr<const ModelContext> model, SchedulerSettings settings,
            std::shared_ptr<Statistics> statistics);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Makes and warms all instances. Throws what the first that failed threw. To be called once, before submit().
  void start();
  /// Answers through request->done, exactly once.
  void submit(PendingPtr request);
  /// As ModelVersion::drain().
  bool drain(Clock::time_point deadline);
  void read(VersionState& state) const;

  /// Answers without execution, and counts it.
  static void refuse(const ModelContext& model, Statistics& statistics, Refusal refusal);

 private:
  struct Slot {
    InstanceSettings settings;
    std::unique_ptr<Instance> instance;
    std::thread thread;
    std::condition_variable wake;
    bool is_started = false;
    bool is_called = false;    // to look for work
    std::thread::id executor;  // none: idle
    size_t num_executing = 0;  // requests
    Clock::time_point busy_since, earliest_end;
    std::atomic<uint64_t> executions{0};
    uint64_t busy_ns = 0;
    std::exception_ptr failure;  // of its start
  };
  using Lock = std::unique_lock<std::mutex>;

  // scheduler.cc
  std::optional<Refusal> refuse_early(PendingPtr& request, Clock::time_point now);
  Clock::time_point earliest_start(const InferRequest& request, Clock::time_point now) const;
  bool is_for_guests(const Slot& slot, const Batcher::Decision& decision) const;
  void enqueue(PendingPtr request, std::vector<Refusal>& refused);
  void occupy(Slot& slot, Clock::time_point now);
  void release(Slot& slot);
  void execute_ready(Slot& slot, Lock& lock, bool is_guest);
  void execute_batch(Slot& slot, Batch& batch, InferTiming& timing);
  void arrange();
  void refuse_all(std::vector<Refusal>& refused) const;

  // scheduler_threads.cc
  void start_instance(Slot& slot);
  std::chrono::nanoseconds warm_up(Slot& slot, const Batch& batch) const;
  void serve(Slot& slot);
  void wait_for_work(Slot& slot, Lock& lock, Clock::time_point look_again);
  void watch_timeouts(Clock::time_point expiry);
  void expire_requests();
  bool has_others_busy() const;
  void stop_threads();

  const std::shared_ptr<const ModelContext> model_;
  const std::shared_ptr<Statistics> statistics_;
  const std::function<std::vector<Batch>()> warm_up_;

  mutable std::mutex mutex_;
  RequestQueue queue_;
  Batcher batcher_;
  ExecutionTimes times_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> idle_;  // the one used last at the back: its memory is in the caches
  const Slot* watcher_ = nullptr;
  Clock::time_point watched_until_ = Clock::time_point::max();  // when the watcher looks again
  Clock::time_point last_execution_, alive_since_ = Clock::now();
  std::thread expirer_;
  std::condition_variable expirer_wake_;
  Clock::time_point next_expiry_ = Clock::time_point::max();
  bool is_draining_ = false, is_stopping_ = false;
  std::condition_variable drained_;  // and started
  std::mutex drain_mutex_;
};

}  // namespace burnish::server
