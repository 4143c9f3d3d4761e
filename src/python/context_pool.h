#pragma once
// Contexts of one engine that calls borrow and give back.
#include <burnish/engine.h>

#include <memory>
#include <mutex>
#include <vector>

#include "kernels/cuda/device.h"
#include "python/numpy.h"

namespace burnish::python {

class ContextPool {
 public:
  /// A context with what is known of its current shapes.
  class Slot {
   public:
    struct Output {
      bool depends_on_data = false;
      nb::object shape;  ///< A tuple.
    };
    Slot(ExecutionContext made, int gpu) : context(std::move(made)), gpu_(gpu) {}
    ~Slot();
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

    /// Executes on the stream of a GPU; waits: returns when it is done. Without the GIL.
    void execute_on(void* stream, bool waits);
    /// Returns when the last execution has ended. Without the GIL.
    void wait();
    /// True when the last execution may still be running on a stream other than this.
    bool is_busy_elsewhere(const void* stream) const { return stream_ != nullptr && stream_ != stream; }

    ExecutionContext context;
    std::vector<std::vector<int64_t>> shapes;  ///< By input; empty when nothing is prepared.
    std::vector<Output> outputs;

   private:
    int gpu_;
    void* stream_ = nullptr;              // on which the last execution may still be running
    std::unique_ptr<cuda::Event> ended_;  // recorded behind it
  };

  /// gpu: the engine's; -1 for engines of the CPU.
  ContextPool(const Engine& engine, int num_threads, int gpu);
  int num_threads() const { return num_threads_; }

  /// A context for one call, which nothing but `stream` uses; goes back to the idle ones, whatever happens.
  class Lease {
   public:
    Lease(ContextPool& pool, const void* stream);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Slot& slot() { return *slot_; }

   private:
    ContextPool& pool_;
    std::unique_ptr<Slot> slot_;
  };

 private:
  std::unique_ptr<Slot> take(const void* stream);

  Engine engine_;
  int num_threads_, gpu_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Slot>> idle_;
};

}  // namespace burnish::python
