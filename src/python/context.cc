// Context: one execution's bindings by raw address, for callers that manage memory themselves.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <mutex>

#include "base/error.h"
#include "python/bindings.h"
#include "python/engine.h"

namespace burnish::python {
namespace {

/// Calls from several threads wait for each other.
class PyContext {
 public:
  PyContext(const PyEngine& engine, int num_threads) : context_(engine.engine().create_context(num_threads)) {}

  template <typename F>
  decltype(auto) locked(F&& f) {
    const nb::gil_scoped_release release;
    const std::lock_guard lock(mutex_);
    return f(context_);
  }

 private:
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
            c.locked([&](ExecutionContext& x) { x.set_input(name, reinterpret_cast<const void*>(address)); });
          },
          nb::arg("name"), nb::arg("address"), "Dense, row-major host memory of the input's shape, read by execute().")
      .def(
          "set_output",
          [](PyContext& c, const std::string& name, uintptr_t address, size_t capacity) {
            c.locked([&](ExecutionContext& x) { x.set_output(name, reinterpret_cast<void*>(address), capacity); });
          },
          nb::arg("name"), nb::arg("address"), nb::arg("capacity"),
          "Host memory of capacity bytes that execute() writes to; address 0: the context's own memory.")
      .def(
          "prepare", [](PyContext& c) { c.locked([](ExecutionContext& x) { x.prepare(); }); },
          "Plans for the current shapes now instead of in execute().")
      .def(
          "execute", [](PyContext& c) { c.locked([](ExecutionContext& x) { x.execute(); }); },
          "Returns when the outputs are there.")
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
