#pragma once
// Where a context's data lies and its steps run: on the host, or on a GPU. One file each: host_session.cc,
// cuda_session.cc.
#include <cstddef>
#include <functional>
#include <memory>

#include "base/thread_pool.h"
#include "runtime/specialization.h"

namespace burnish {

/// Called around every step when someone measures: the step's index, and what it cost.
using StepObserver = std::function<void(size_t step, const StepCost& cost, double us)>;

/// Runs the steps of one specialisation, any number of times. Lives no longer than the specialisation and its session.
class Runner {
 public:
  virtual ~Runner() = default;
  /// Sets all pointers of the specialisation.
  virtual void bind(const MemoryBases& bases) = 0;
  /// stream: the caller's, or null for the session's own. Throws with the frame "step NAME (OP)".
  virtual void run(void* stream, const StepObserver* observer) = 0;
};

class Session {
 public:
  virtual ~Session() = default;
  virtual std::unique_ptr<Runner> create_runner(Specialization& steps) = 0;

  /// Memory for intermediate values: only grows. Throws kOutOfMemory.
  virtual std::byte* reserve_arena(size_t num_bytes) = 0;
  virtual size_t arena_bytes() const = 0;

  /// Where kernels read input i: the caller's memory `data`, or memory of the session that stage_input() fills.
  virtual const void* place_input(size_t i, const void* data, size_t num_bytes, size_t element_bytes) = 0;
  /// Before every execution, for inputs that were not left where they are.
  virtual void stage_input(size_t i, const void* data, size_t num_bytes, void* stream) = 0;

  /// Whether kernels can write an output to the caller's memory.
  virtual bool can_compute_in(const void* target, size_t element_bytes) const = 0;
  /// Brings output i to `target` (the caller's; null: to memory of the session). Rows of `computed` stand row_stride
  /// elements apart (0: dense); `staging` is dense arena memory for it, or null. Where the caller finds it after
  /// finish(). With a stream of the caller's the copy is complete when that is.
  virtual const void* deliver(size_t i, const TensorView& computed, int64_t row_stride, void* target, void* staging,
                              void* stream) = 0;
  /// Returns when everything delivered is there.
  virtual void finish() = 0;
};

/// pool outlives the session.
std::unique_ptr<Session> create_host_session(ThreadPool& pool);
std::unique_ptr<Session> create_cuda_session(ThreadPool& pool, const Target& target);

}  // namespace burnish
