// Context: one execution's bindings by raw address, for callers that manage memory themselves.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <mutex>

#include "base/error.h"
#include "kernels/cuda/device.h"
#include "python/bindings.h"
#include "python/engine.h"

namespace burnish::python {
namespace {

/// Python knows addresses as numbers.
void* pointer_to(uintptr_t address) {
  return reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr)
}

/// 0 is CUDA's default stream, which the driver knows by another number, too.
void* stream_at(uintptr_t handle) {
  return handle == 0 ? cuda::legacy_stream() : pointer_to(handle);
}

/// Calls from several threads wait for each other.
class PyContext {
 public:
  PyContext(const PyEngine& engine, int num_threads) : gpu_(engine.gpu()), context_(made(engine, num_threads)) {}

  template <typename F>
  decltype(auto) locked(F&& f) {
    const cuda::DeviceScope scope(gpu_);
    const nb::gil_scoped_release release;
    const std::lock_guard lock(mutex_);
    return f(context_);
  }

  void enqueue(uintptr_t stream) {
    locked([&](ExecutionContext& x) { x.enqueue(stream_at(stream)); });
  }
  /// Returns when the stream has got so far.
  void wait(uintptr_t stream) {
    if (gpu_ < 0) return;
    locked([&](ExecutionContext&) { cuda::synchronize(stream_at(stream)); });
  }

 private:
  static ExecutionContext made(const PyEngine& engine, int num_threads) {
    const cuda::DeviceScope scope(engine.gpu());
    return engine.engine().create_context(num_threads);
  }

  int gpu_;
  ExecutionContext context_;
  std::mutex mutex_;
};

}  // namespace

void bind_context(nb::module_& m) {
  using Dims = std::vector<int64_t>;
  nb::class_<PyContext>(m, "Context",
                        "One execution's threads, memory and bindings, by raw address. The caller keeps the memory "
                        "alive. Keeps its engine alive.")
      .def(nb::init<const PyEngine&, int>(), nb::arg("engine"), nb::arg("threads") = 0)
      .def(
          "set_input_shape",
          [](PyContext& c, const std::string& name, const Dims& shape) {
            c.locked([&](ExecutionContext& x) { x.set_input_shape(name, shape); });
          },
          nb::arg("name"), nb::arg("shape"), "Raises InvalidArgumentError for a shape that no profile allows.")
      .def(
          "set_input",
          [](PyContext& c, const std::string& name, uintptr_t address) {
            c.locked([&](ExecutionContext& x) { x.set_input(name, pointer_to(address)); });
          },
          nb::arg("name"), nb::arg("address"),
          "Dense, row-major memory of the input's shape, read by execute(): the host's, or that of the engine's GPU.")
      .def(
          "set_output",
          [](PyContext& c, const std::string& name, uintptr_t address, size_t capacity) {
            c.locked([&](ExecutionContext& x) { x.set_output(name, pointer_to(address), capacity); });
          },
          nb::arg("name"), nb::arg("address"), nb::arg("capacity"),
          "Memory of capacity bytes that execute() writes to; address 0: the context's own memory.")
      .def(
          "prepare", [](PyContext& c) { c.locked([](ExecutionContext& x) { x.prepare(); }); },
          "Plans for the current shapes now instead of in execute().")
      .def(
          "execute", [](PyContext& c) { c.locked([](ExecutionContext& x) { x.execute(); }); },
          "Returns when the outputs are there.")
      .def("enqueue", &PyContext::enqueue, nb::arg("stream"),
           "Of engines on a GPU: puts the execution on the CUDA stream with this handle (0: the default stream) and "
           "returns. The memory must stay until the stream has got so far.")
      .def("wait", &PyContext::wait, nb::arg("stream"), "Returns when the stream has got so far; on the CPU at once.")
      .def(
          "depends_on_data",
          [](PyContext& c, const std::string& name) {
            return c.locked([&](ExecutionContext& x) { return x.depends_on_data(name); });
          },
          nb::arg("output"), "True when the output's shape is known after execute() only. Valid after prepare().")
      .def(
          "output_shape",
          [](PyContext& c, const std::string& name) {
            return nb::tuple(nb::cast(c.locked([&](ExecutionContext& x) { return x.output_shape(name); })));
          },
          nb::arg("name"), nb::sig("def output_shape(self, name: str) -> tuple[int, ...]"),
          "Valid after execute(); shapes that do not depend on data: after prepare().")
      .def(
          "output_bytes",
          [](PyContext& c, const std::string& name) {
            return c.locked([&](ExecutionContext& x) { return x.output_bytes(name); });
          },
          nb::arg("name"))
      .def(
          "output_address",
          [](PyContext& c, const std::string& name) {
            return c.locked([&](ExecutionContext& x) { return reinterpret_cast<uintptr_t>(x.output(name)); });
          },
          nb::arg("name"), "Where the output lies after execute(): set_output()'s memory, else the context's own.")
      .def(
          "is_written_directly",
          [](PyContext& c, const std::string& name) {
            return c.locked([&](ExecutionContext& x) { return x.is_written_directly(name); });
          },
          nb::arg("output"), "True when the last execute() computed the output in set_output()'s memory.")
      .def(
          "profile",
          [](PyContext& c, int rounds) {
            return to_list(c.locked([&](ExecutionContext& x) { return x.profile(rounds); }));
          },
          nb::arg("rounds") = 20, nb::sig("def profile(self, rounds: int = 20) -> list[dict[str, typing.Any]]"),
          "Executes so often with a clock around every step.")
      .def_prop_ro("arena_bytes",
                   [](PyContext& c) { return c.locked([](ExecutionContext& x) { return x.arena_bytes(); }); })
      .def_prop_ro("threads",
                   [](PyContext& c) { return c.locked([](ExecutionContext& x) { return x.num_threads(); }); });
}

}  // namespace burnish::python
