#pragma once
// When requests are executed, and which of them together.
#include <optional>
#include <vector>

#include "server/execution_times.h"
#include "server/model_config.h"
#include "server/request_queue.h"

namespace burnish::server {

/// Not thread-safe.
class Batcher {
 public:
  /// Without dynamic batching every request is executed alone, but in the order of priorities.
  /// max_batch: items; 1 when nothing can be batched.
  Batcher(const std::optional<DynamicBatching>& config, int64_t max_batch);

  /// What is to be executed now, or when to look again.
  struct Decision {
    const RequestGroup* group = nullptr;  ///< Null: nothing yet.
    int64_t items = 0;                    ///< To take, at most.
    Clock::time_point look_again = Clock::time_point::max();
  };
  Decision decide(const RequestQueue& queue, const ExecutionTimes& times, Clock::time_point now) const;
  /// Takes what was decided. The batch can be empty when all of it was refused.
  Batch take(RequestQueue& queue, const Decision& decision, const ExecutionTimes& times, Clock::time_point now,
             std::vector<Refusal>& refused) const;

  /// From now on nothing is waited for.
  void hurry() { delay_ = Clock::duration::zero(); }
  int64_t max_batch() const { return max_batch_; }
  /// The least that executing a whole group but its last, incomplete batch takes.
  ExecutionTimes::Duration least_work(const RequestGroup& group, const ExecutionTimes& times) const;

 private:
  /// Items to execute now of so many that wait; 0: more are waited for.
  int64_t items_now(int64_t waiting, bool waited_enough) const;
  int64_t complete_size() const { return preferred_.empty() ? max_batch_ : preferred_.back(); }
  /// When a group is executed even though it is not complete.
  Clock::time_point start_of(const RequestGroup& group, int64_t items, const ExecutionTimes& times) const;
  Clock::time_point latest_start(const RequestGroup& group, int64_t items, const ExecutionTimes& times) const;

  std::vector<int64_t> preferred_;  // ascending
  Clock::duration delay_{};
  int64_t max_batch_;
  bool is_dynamic_;
};

}  // namespace burnish::server
