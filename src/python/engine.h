#pragma once
// burnish.Engine's native half: calls with arrays, on contexts that are kept for the next call.
#include <burnish/engine.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/engine_data.h"
#include "python/borrowed_array.h"
#include "python/context_pool.h"

namespace burnish::python {

/// May be called by any number of threads at once: every call takes an idle context, or makes one.
class PyEngine {
 public:
  /// all: the engines of the file that this one is from, where there are several.
  PyEngine(Engine engine, int num_threads, std::vector<EngineData> all = {});

  /// engine(x, y, out=…, name=z, stream=…): the output, or a tuple of all outputs.
  nb::object call(const nb::args& args, const nb::kwargs& kwargs);
  /// Outputs by name; out: arrays by name to write into.
  nb::dict run(const nb::dict& inputs, nb::handle out, nb::handle stream);
  /// Times of every step with these inputs, in execution order.
  nb::list profile(const nb::dict& inputs, int rounds);

  /// Median time in µs of a call as C++ code makes it: inputs set and executed. What call() is compared with.
  double time_native_call(const nb::dict& inputs, int rounds);

  const Engine& engine() const { return engine_; }
  int num_threads() const { return pool_.num_threads(); }
  /// What save() writes.
  std::span<const EngineData> all() const;
  /// The GPU that it runs on; -1: none.
  int gpu() const { return gpu_; }

 private:
  using Slot = ContextPool::Slot;
  using Arrays = std::unique_ptr<BorrowedArray[]>;
  using Handles = std::vector<nb::handle>;
  /// How a call meets the memory that it is given.
  struct Placement {
    GpuAccess gpu;           ///< stream is null when all arrays are the host's: contexts then use their own.
    nb::handle tensor;       ///< One in the GPU's memory: results are made where and as it is. Invalid: on the host.
    bool is_ordered = true;  ///< Whoever gave the arrays does the rest of their work behind this stream.
  };

  Placement placement_of(const Handles& inputs, const Handles& targets, nb::handle stream) const;
  Arrays borrow_inputs(const Handles& inputs, const GpuAccess& gpu) const;
  Arrays borrow_complete(const Handles& inputs) const;
  Handles inputs_by_name(const nb::dict& inputs) const;
  /// One object for every output; invalid handles are to be allocated.
  Handles targets_of(nb::handle out) const;
  void bind(Slot& slot, const BorrowedArray* inputs) const;
  void prepare(Slot& slot, const BorrowedArray* inputs) const;
  std::vector<nb::object> execute(const Handles& inputs, const Handles& targets, nb::handle stream);
  /// True when the caller's memory holds the output as soon as the stream has got so far.
  bool bind_output(Slot& slot, size_t i, nb::handle target, const Placement& placement, BorrowedArray& memory,
                   nb::object& result) const;
  nb::object allocate(const Slot& slot, size_t i, const Placement& placement) const;
  void check_shape(const Slot& slot, size_t i, const BorrowedArray& target) const;
  void finish_data_dependent(const Slot& slot, size_t i, const BorrowedArray& target, nb::object& result) const;

  Engine engine_;
  std::vector<EngineData> all_;
  int gpu_;
  ContextPool pool_;
};

/// A dictionary for each step.
nb::list to_list(const std::vector<StepTiming>& timings);

}  // namespace burnish::python
