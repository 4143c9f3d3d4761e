#pragma once
// burnish.Engine's native half: calls with arrays, on contexts that are kept for the next call.
#include <burnish/engine.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "python/host_array.h"

namespace burnish::python {

/// May be called by any number of threads at once: every call takes an idle context, or makes one.
class PyEngine {
 public:
  PyEngine(Engine engine, int num_threads);

  /// engine(x, y, out=…, name=z): the output, or a tuple of all outputs.
  nb::object call(const nb::args& args, const nb::kwargs& kwargs);
  /// Outputs by name; out: arrays by name to write into.
  nb::dict run(const nb::dict& inputs, nb::handle out);
  /// Times of every step with these inputs, in execution order.
  nb::list profile(const nb::dict& inputs, int rounds);

  /// Median time in µs of a call as C++ code makes it: inputs set and executed. What call() is compared with.
  double time_native_call(const nb::dict& inputs, int rounds);

  const Engine& engine() const { return engine_; }
  int num_threads() const { return num_threads_; }

 private:
  struct Output {
    bool depends_on_data = false;
    nb::object shape;  ///< A tuple.
  };
  /// A context with what is known of its current shapes.
  struct Slot {
    explicit Slot(ExecutionContext made) : context(std::move(made)) {}
    ExecutionContext context;
    std::vector<std::vector<int64_t>> shapes;  ///< By input; empty when nothing is prepared.
    std::vector<Output> outputs;
  };
  class Lease;
  using Arrays = std::unique_ptr<HostArray[]>;

  Arrays borrow_inputs(const std::vector<nb::handle>& inputs) const;
  std::vector<nb::handle> inputs_by_name(const nb::dict& inputs) const;
  /// One object for every output; invalid handles are to be allocated.
  std::vector<nb::handle> targets_of(nb::handle out) const;
  void bind(Slot& slot, const HostArray* inputs) const;
  void prepare(Slot& slot, const HostArray* inputs) const;
  std::vector<nb::object> execute(const std::vector<nb::handle>& inputs, const std::vector<nb::handle>& targets);
  void check_shape(const Slot& slot, size_t i, const HostArray& target) const;
  void finish_data_dependent(const Slot& slot, size_t i, const HostArray& target, nb::object& result) const;

  Engine engine_;
  int num_threads_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Slot>> idle_;
};

/// A dictionary for each step.
nb::list to_list(const std::vector<StepTiming>& timings);

}  // namespace burnish::python
