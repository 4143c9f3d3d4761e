// Engine's methods, and an engine's content as plain Python data.
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "base/error.h"
#include "builder/build_engine.h"
#include "python/bindings.h"
#include "python/build.h"
#include "python/engine.h"
#include "runtime/engine_impl.h"

namespace burnish::python {
namespace {

const EngineData& data_of(const PyEngine& engine) {
  return engine.engine().impl()->data;
}

nb::list names_and_types(const Plan& plan, const std::vector<PlanValueId>& ids) {
  nb::list values;
  for (const PlanValueId id : ids) {
    if (id == kAbsent) continue;
    const PlanValue& v = plan.values[static_cast<size_t>(id)];
    nb::dict value;
    value["name"] = v.name;
    value["dtype"] = nb::cast(std::string(name_of(v.dtype)));
    nb::list shape;
    for (const Dim& d : v.shape) {
      if (d.is_constant()) {
        shape.append(d.value());
      } else {
        shape.append(to_string(d));
      }
    }
    value["shape"] = v.has_shape ? nb::object(shape) : nb::none();
    values.append(value);
  }
  return values;
}

const char* name_of_kind(StepKind kind) {
  return kind == StepKind::kKernel ? "kernel" : kind == StepKind::kView ? "view" : "shape";
}

nb::list steps_of(const PyEngine& engine, size_t profile) {
  const EngineData& data = data_of(engine);
  check(profile < data.plans.size(), ErrorCode::kInvalidArgument, "profile {} of {}", profile, data.plans.size());
  const Plan& plan = data.plans[profile];
  nb::list steps;
  for (const PlanStep& s : plan.steps) {
    nb::dict step;
    step["name"] = s.name;
    step["op"] = s.op;
    step["kind"] = name_of_kind(s.kind);
    step["tactic"] = s.tactic;
    step["config"] = s.config;
    step["attributes"] = to_string(s.attrs);
    step["predicted_us"] = s.predicted_us;
    step["inputs"] = names_and_types(plan, s.inputs);
    step["outputs"] = names_and_types(plan, s.outputs);
    steps.append(step);
  }
  return steps;
}

nb::dict metadata_of(const PyEngine& engine) {
  const EngineData& data = data_of(engine);
  nb::dict facts = nb::cast<nb::dict>(nb::cast(data.metadata));
  facts["target.kind"] = data.target_kind;
  facts["target.isa"] = data.target_isa;
  facts["target.fingerprint"] = data.target_fingerprint;
  return facts;
}

nb::bytes serialize(const PyEngine& engine) {
  std::vector<std::byte> bytes;
  {
    const nb::gil_scoped_release release;
    bytes = serialize_engines(engine.all());
  }
  return nb::bytes(bytes.data(), bytes.size());
}

Engine deserialize(nb::handle bytes, int device) {
  BorrowedArray memory;
  memory.borrow(bytes, DataType::kUInt8, "the engine");
  const nb::gil_scoped_release release;
  return Engine::deserialize({static_cast<const std::byte*>(memory.data()), memory.num_bytes()}, device);
}

Engine load(const std::string& path, int device) {
  const nb::gil_scoped_release release;
  return Engine::load(path, device);
}

/// "sm_90", "cpu"
std::string target_of(const PyEngine& engine) {
  const EngineData& data = data_of(engine);
  return data.target_kind == "cpu" ? data.target_kind : data.target_isa;
}

/// "cuda:0", "cpu"; None where this machine cannot execute the engine.
nb::object device_of(const PyEngine& engine) {
  if (engine.engine().impl()->why_not_here) return nb::none();
  return nb::cast(engine.gpu() < 0 ? std::string("cpu") : fmt::format("cuda:{}", engine.gpu()));
}

nb::tuple range_of(const PyEngine& engine, const std::string& name, size_t profile) {
  const ShapeRange range = engine.engine().input_range(name, profile);
  const auto tuple = [](const std::vector<int64_t>& dims) { return nb::tuple(nb::cast(dims)); };
  return nb::make_tuple(tuple(range.min), tuple(range.opt), tuple(range.max));
}

void declare_making(nb::class_<PyEngine>& engine) {
  engine
      .def(
          "__init__",
          [](PyEngine* self, const PyBuiltEngine& built, int threads) {
            new (self) PyEngine(engine_for_here(built), threads, built.engines);
          },
          nb::arg("built"), nb::arg("threads") = 0)
      .def(
          "__init__",
          [](PyEngine* self, const std::string& path, int threads, int device) {
            new (self) PyEngine(load(path, device), threads);
          },
          nb::arg("path"), nb::arg("threads") = 0, nb::arg("device") = 0)
      .def(
          "__init__",
          [](PyEngine* self, nb::handle bytes, int threads, int device) {
            new (self) PyEngine(deserialize(bytes, device), threads);
          },
          nb::arg("data"), nb::arg("threads") = 0, nb::arg("device") = 0,
          nb::sig(
              "def __init__(self, data: bytes | bytearray | memoryview, threads: int = 0, device: int = 0) -> None"))
      .def("serialize", &serialize, "The bytes of an engine file.")
      .def(
          "save",
          [](const PyEngine& e, const std::string& path) {
            const nb::gil_scoped_release release;
            write_engines(e.all(), path);
          },
          nb::arg("path"), "Writes the engine file, complete or not at all.");
}

void declare_calls(nb::class_<PyEngine>& engine) {
  engine
      .def("__call__", &PyEngine::call,
           nb::sig("def __call__(self, *args: typing.Any, **kwargs: typing.Any) -> typing.Any"),
           "Executes. Inputs by position or by name: NumPy arrays, or tensors with __dlpack__, in host memory or in "
           "that "
           "of the engine's GPU; dense ones are read where they lie. out=: an array (or a sequence, or a dictionary by "
           "name) to write into. stream=: of engines on a GPU, a CUDA stream to execute on. Returns the output, or a "
           "tuple of all outputs. The GIL is released; any number of threads may call at once.")
      .def("run", &PyEngine::run, nb::arg("inputs"), nb::arg("out") = nb::none(), nb::arg("stream") = nb::none(),
           nb::sig("def run(self, inputs: dict[str, typing.Any], out: typing.Any = None, stream: typing.Any = None) "
                   "-> dict[str, typing.Any]"),
           "Executes with inputs by name; returns the outputs by name.")
      .def("time_native_call", &PyEngine::time_native_call, nb::arg("inputs"), nb::arg("rounds") = 1000,
           nb::sig("def time_native_call(self, inputs: dict[str, typing.Any], rounds: int = 1000) -> float"),
           "Median time in microseconds of the same call from C++; bench/python_overhead.py compares with it.")
      .def("profile_steps", &PyEngine::profile, nb::arg("inputs"), nb::arg("rounds") = 20,
           nb::sig("def profile_steps(self, inputs: dict[str, typing.Any], rounds: int = 20) "
                   "-> list[dict[str, typing.Any]]"),
           "Executes so often with a clock around every step; a dictionary for each step.");
}

}  // namespace

void bind_engine(nb::module_& m) {
  nb::class_<PyEngine> engine(m, "Engine", "A compiled model. Immutable; may be used by any number of threads at once.",
                              nb::is_weak_referenceable());
  declare_making(engine);
  declare_calls(engine);
  engine
      .def_prop_ro(
          "inputs", [](const PyEngine& e) { return e.engine().inputs(); },
          nb::sig("def inputs(self) -> list[TensorInfo]"))
      .def_prop_ro(
          "outputs", [](const PyEngine& e) { return e.engine().outputs(); },
          nb::sig("def outputs(self) -> list[TensorInfo]"))
      .def_prop_ro("num_profiles", [](const PyEngine& e) { return e.engine().num_profiles(); })
      .def("input_range", &range_of, nb::arg("name"), nb::arg("profile") = 0,
           nb::sig("def input_range(self, name: str, profile: int = 0) "
                   "-> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]"),
           "The shapes that a profile allows for an input: min, opt, max.")
      .def_prop_ro(
          "threads", [](const PyEngine& e) { return e.num_threads(); }, "Threads of one call; 0: all cores.")
      .def_prop_ro("target", &target_of, "What it was built for: \"cpu\", or a GPU's \"sm_90\".")
      .def_prop_ro("device", &device_of, nb::sig("def device(self) -> str | None"),
                   "Where it executes: \"cpu\", or \"cuda:0\"; None where this machine cannot.")
      .def_prop_ro(
          "weight_bytes", [](const PyEngine& e) { return e.engine().weight_bytes(); }, "Packed weights and constants.")
      .def_prop_ro("metadata", &metadata_of, nb::sig("def metadata(self) -> dict[str, str]"),
                   "Provenance, build options and the target that the engine was built for.")
      .def("steps", &steps_of, nb::arg("profile") = 0,
           nb::sig("def steps(self, profile: int = 0) -> list[dict[str, typing.Any]]"),
           "What the engine does, step by step, for one profile.");
}

}  // namespace burnish::python
