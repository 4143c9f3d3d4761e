#include "python/engine.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/error.h"
#include "python/device_array.h"
#include "runtime/engine_impl.h"

namespace burnish::python {
namespace {

std::string names_of(const std::vector<BindingInfo>& bindings) {
  std::vector<std::string_view> names;
  for (const BindingInfo& b : bindings) names.push_back(b.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

size_t index_of(const std::vector<BindingInfo>& bindings, std::string_view name, std::string_view kind) {
  const auto found = std::ranges::find(bindings, name, &BindingInfo::name);
  check(found != bindings.end(), ErrorCode::kInvalidArgument, "the engine has no {} '{}'; it has {}", kind, name,
        names_of(bindings));
  return static_cast<size_t>(found - bindings.begin());
}

nb::object tuple_of(const std::vector<int64_t>& dims) {
  nb::object tuple = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(dims.size())));
  for (size_t i = 0; i < dims.size(); ++i) {
    PyTuple_SetItem(tuple.ptr(), static_cast<Py_ssize_t>(i), PyLong_FromLongLong(dims[i]));
  }
  return tuple;
}

void* stream_at(uintptr_t handle) {
  return reinterpret_cast<void*>(handle);  // NOLINT(performance-no-int-to-ptr)
}

void check_type(const BorrowedArray& array, const BindingInfo& info, const char* kind) {
  if (array.dtype() == info.dtype) return;
  throw Error(ErrorCode::kInvalidArgument, fmt::format("{} '{}' is {}, but the array given is {}", kind, info.name,
                                                       name_of(info.dtype), name_of(array.dtype())))
      .with_hint(fmt::format("convert it, such as x.astype(\"{}\")", name_of(info.dtype)));
}

}  // namespace

nb::list to_list(const std::vector<StepTiming>& timings) {
  nb::list steps;
  for (const StepTiming& t : timings) {
    nb::dict step;
    step["name"] = t.name;
    step["op"] = t.op;
    step["tactic"] = t.tactic;
    step["median_us"] = t.median_us;
    step["gflops"] = t.gflops;
    step["megabytes"] = t.megabytes;
    steps.append(step);
  }
  return steps;
}

PyEngine::PyEngine(Engine engine, int num_threads, std::vector<EngineData> all)
    : engine_(std::move(engine)),
      all_(std::move(all)),
      gpu_(engine_.impl()->target.is_cuda() ? engine_.impl()->target.device : -1),
      pool_(engine_, num_threads, gpu_) {}

std::span<const EngineData> PyEngine::all() const {
  if (all_.empty()) return {&engine_.impl()->data, 1};
  return all_;
}

PyEngine::Placement PyEngine::placement_of(const Handles& inputs, const Handles& targets, nb::handle stream) const {
  Placement placement;
  const bool has_stream = stream.is_valid() && !stream.is_none();
  check(gpu_ >= 0 || !has_stream, ErrorCode::kInvalidArgument,
        "stream= is for engines on a GPU; this one runs on the CPU");
  if (gpu_ < 0) return placement;
  nb::list tensors;
  for (const Handles* handles : {&inputs, &targets}) {
    for (const nb::handle h : *handles) {
      if (h.is_valid() && gpu_of_tensor(h) >= 0) tensors.append(h);
    }
  }
  placement.gpu.device = gpu_;
  if (tensors.size() > 0) placement.tensor = tensors[0];
  if (tensors.size() == 0 && !has_stream) return placement;
  const nb::object found =
      nb::module_::import_("burnish._device").attr("stream_of")(has_stream ? stream : nb::handle(Py_None), tensors);
  placement.gpu.stream = stream_at(nb::cast<uintptr_t>(found[0]));
  placement.is_ordered = nb::cast<bool>(found[1]);
  return placement;
}

PyEngine::Arrays PyEngine::borrow_inputs(const Handles& inputs, const GpuAccess& gpu) const {
  Arrays arrays = std::make_unique<BorrowedArray[]>(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const BindingInfo& info = engine_.inputs()[i];
    arrays[i].borrow(inputs[i], info.dtype, info.name, gpu);
    check_type(arrays[i], info, "input");
  }
  return arrays;
}

// For executions on the context's own stream.
PyEngine::Arrays PyEngine::borrow_complete(const Handles& inputs) const {
  const Placement placement = placement_of(inputs, {}, {});
  Arrays arrays = borrow_inputs(inputs, placement.gpu);
  if (placement.gpu.stream != nullptr) cuda::synchronize(placement.gpu.stream);
  return arrays;
}

// Which shapes the arrays have, told to the context only when they differ from the last call's.
void PyEngine::prepare(Slot& slot, const BorrowedArray* inputs) const {
  const auto& infos = engine_.inputs();
  bool same = slot.shapes.size() == infos.size() && !slot.outputs.empty();
  for (size_t i = 0; same && i < infos.size(); ++i) same = std::ranges::equal(slot.shapes[i], inputs[i].shape());
  if (same) return;
  slot.shapes.clear();
  slot.outputs.clear();
  for (size_t i = 0; i < infos.size(); ++i) slot.context.set_input_shape(infos[i].name, inputs[i].shape());
  {
    const nb::gil_scoped_release release;
    slot.wait();  // memory may move
    slot.context.prepare();
  }
  for (const BindingInfo& info : engine_.outputs()) {
    Slot::Output output;
    output.depends_on_data = slot.context.depends_on_data(info.name);
    if (!output.depends_on_data) output.shape = tuple_of(slot.context.output_shape(info.name));
    slot.outputs.push_back(std::move(output));
  }
  for (size_t i = 0; i < infos.size(); ++i) {
    slot.shapes.emplace_back(inputs[i].shape().begin(), inputs[i].shape().end());
  }
}

void PyEngine::bind(Slot& slot, const BorrowedArray* inputs) const {
  prepare(slot, inputs);
  const auto& infos = engine_.inputs();
  for (size_t i = 0; i < infos.size(); ++i) slot.context.set_input(infos[i].name, inputs[i].data());
}

nb::object PyEngine::allocate(const Slot& slot, size_t i, const Placement& placement) const {
  const BindingInfo& info = engine_.outputs()[i];
  const nb::object& shape = slot.outputs[i].shape;
  if (!placement.tensor.is_valid()) return NumPy::get().empty(shape, info.dtype);
  nb::object made =
      nb::module_::import_("burnish._device").attr("empty_like")(placement.tensor, shape, name_of(info.dtype));
  if (!made.is_none()) return made;
  return nb::cast(DeviceArray(gpu_, info.dtype, slot.context.output_shape(info.name)));
}

bool PyEngine::bind_output(Slot& slot, size_t i, nb::handle target, const Placement& placement, BorrowedArray& memory,
                           nb::object& result) const {
  const BindingInfo& info = engine_.outputs()[i];
  slot.context.set_output(info.name, nullptr, 0);
  if (target.is_valid()) {
    result = nb::borrow(target);
    memory.borrow_writable(target, info.name, placement.gpu);
    check_type(memory, info, "output");
    check_shape(slot, i, memory);
  } else if (!slot.outputs[i].depends_on_data) {
    result = allocate(slot, i, placement);
    memory.borrow_writable(result, info.name, placement.gpu);
    if (!memory.is_on_gpu()) result = NumPy::get().from_storage(std::move(result), info.dtype);
  }
  if (memory.data() != nullptr) slot.context.set_output(info.name, memory.data(), memory.num_bytes());
  // DeviceArrays of ours promise to be complete.
  return memory.is_on_gpu() && (target.is_valid() || !nb::isinstance<DeviceArray>(result));
}

std::vector<nb::object> PyEngine::execute(const Handles& inputs, const Handles& targets, nb::handle stream) {
  const cuda::DeviceScope scope(gpu_);
  const Placement placement = placement_of(inputs, targets, stream);
  const Arrays given = borrow_inputs(inputs, placement.gpu);
  ContextPool::Lease lease(pool_, placement.gpu.stream);
  Slot& slot = lease.slot();
  bind(slot, given.get());
  const size_t num_outputs = engine_.outputs().size();
  std::vector<nb::object> results(num_outputs);
  const Arrays memory = std::make_unique<BorrowedArray[]>(num_outputs);
  // The host's memory may change as soon as the caller is back.
  bool waits = !placement.is_ordered;
  for (size_t i = 0; i < inputs.size(); ++i) waits = waits || !given[i].is_on_gpu();
  for (size_t i = 0; i < num_outputs; ++i) {
    waits = !bind_output(slot, i, targets[i], placement, memory[i], results[i]) || waits;
  }
  {
    const nb::gil_scoped_release release;
    if (placement.gpu.stream == nullptr) {
      slot.context.execute();
    } else {
      slot.execute_on(placement.gpu.stream, waits);
    }
  }
  for (size_t i = 0; i < num_outputs; ++i) {
    if (slot.outputs[i].depends_on_data) finish_data_dependent(slot, i, memory[i], results[i]);
  }
  return results;
}

// Memory whose shape is another than the output's would hold the elements in an order that nobody expects.
void PyEngine::check_shape(const Slot& slot, size_t i, const BorrowedArray& target) const {
  if (slot.outputs[i].depends_on_data) return;
  const nb::object shape = tuple_of({target.shape().begin(), target.shape().end()});
  if (shape.equal(slot.outputs[i].shape)) return;
  throw_error(ErrorCode::kInvalidArgument, "output '{}' has the shape {}, but the array given for it has {}",
              engine_.outputs()[i].name, nb::repr(slot.outputs[i].shape).c_str(), nb::repr(shape).c_str());
}

void PyEngine::finish_data_dependent(const Slot& slot, size_t i, const BorrowedArray& target,
                                     nb::object& result) const {
  const BindingInfo& info = engine_.outputs()[i];
  const std::vector<int64_t> shape = slot.context.output_shape(info.name);
  if (result.is_valid()) {
    check(std::ranges::equal(target.shape(), shape), ErrorCode::kInvalidArgument,
          "output '{}' has the shape [{}] this time, another than the array given for it", info.name,
          fmt::join(shape, ","));
    return;
  }
  BorrowedArray memory;
  result = NumPy::get().empty(tuple_of(shape), info.dtype);
  memory.borrow_writable(result, info.name);
  if (memory.num_bytes() > 0) std::memcpy(memory.data(), slot.context.output(info.name), memory.num_bytes());
  result = NumPy::get().from_storage(std::move(result), info.dtype);
}

PyEngine::Handles PyEngine::targets_of(nb::handle out) const {
  const auto& infos = engine_.outputs();
  std::vector<nb::handle> targets(infos.size());
  if (!out.is_valid() || out.is_none()) return targets;
  if (nb::isinstance<nb::dict>(out)) {
    for (const auto& [name, array] : nb::borrow<nb::dict>(out)) {
      targets[index_of(infos, nb::cast<std::string>(name), "output")] = array;
    }
    return targets;
  }
  if (!nb::isinstance<nb::tuple>(out) && !nb::isinstance<nb::list>(out)) {
    check(infos.size() == 1, ErrorCode::kInvalidArgument,
          "the engine has {} outputs ({}): out= takes as many arrays, or a dictionary of some", infos.size(),
          names_of(infos));
    targets[0] = out;
    return targets;
  }
  const auto given = nb::len(out);
  check(given == infos.size(), ErrorCode::kInvalidArgument, "out= has {} arrays, but the engine has {} outputs ({})",
        given, infos.size(), names_of(infos));
  for (size_t i = 0; i < given; ++i) {
    const nb::object item = out[i];  // the sequence keeps it alive
    if (!item.is_none()) targets[i] = item;
  }
  return targets;
}

nb::object PyEngine::call(const nb::args& args, const nb::kwargs& kwargs) {
  const auto& infos = engine_.inputs();
  const size_t num_given = args.size();
  check(num_given <= infos.size(), ErrorCode::kInvalidArgument, "the engine has {} inputs ({}), {} are given",
        infos.size(), names_of(infos), num_given);
  std::vector<nb::handle> inputs(infos.size());
  for (size_t i = 0; i < num_given; ++i) inputs[i] = args[i];
  nb::handle out, stream;
  for (const auto& [key, value] : kwargs) {
    const auto name = nb::cast<std::string>(key);
    if (name == "out") {
      out = value;
      continue;
    }
    if (name == "stream" && gpu_ >= 0) {
      stream = value;
      continue;
    }
    nb::handle& input = inputs[index_of(infos, name, "input")];
    check(!input.is_valid(), ErrorCode::kInvalidArgument, "input '{}' is given twice", name);
    input = value;
  }
  for (size_t i = 0; i < infos.size(); ++i) {
    check(inputs[i].is_valid(), ErrorCode::kInvalidArgument, "input '{}' is not given; the engine's inputs are {}",
          infos[i].name, names_of(infos));
  }
  std::vector<nb::object> results = execute(inputs, targets_of(out), stream);
  if (results.size() == 1) return std::move(results[0]);
  nb::object tuple = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(results.size())));
  for (size_t i = 0; i < results.size(); ++i) {
    PyTuple_SetItem(tuple.ptr(), static_cast<Py_ssize_t>(i), results[i].release().ptr());
  }
  return tuple;
}

PyEngine::Handles PyEngine::inputs_by_name(const nb::dict& given) const {
  const auto& infos = engine_.inputs();
  std::vector<nb::handle> inputs(infos.size());
  for (const auto& [name, array] : given) inputs[index_of(infos, nb::cast<std::string>(name), "input")] = array;
  for (size_t i = 0; i < infos.size(); ++i) {
    check(inputs[i].is_valid(), ErrorCode::kInvalidArgument, "input '{}' is not given; the engine's inputs are {}",
          infos[i].name, names_of(infos));
  }
  return inputs;
}

nb::dict PyEngine::run(const nb::dict& inputs, nb::handle out, nb::handle stream) {
  std::vector<nb::object> results = execute(inputs_by_name(inputs), targets_of(out), stream);
  nb::dict named;
  for (size_t i = 0; i < results.size(); ++i) named[engine_.outputs()[i].name.c_str()] = results[i];
  return named;
}

double PyEngine::time_native_call(const nb::dict& inputs, int rounds) {
  using Clock = std::chrono::steady_clock;
  check(rounds > 0, ErrorCode::kInvalidArgument, "at least one round is needed, not {}", rounds);
  const cuda::DeviceScope scope(gpu_);
  const Arrays given = borrow_complete(inputs_by_name(inputs));
  ContextPool::Lease lease(pool_, nullptr);
  Slot& slot = lease.slot();
  bind(slot, given.get());
  for (const BindingInfo& info : engine_.outputs()) slot.context.set_output(info.name, nullptr, 0);
  std::vector<double> times(static_cast<size_t>(rounds));
  const nb::gil_scoped_release release;
  const auto& infos = engine_.inputs();
  for (double& time : times) {
    const auto begin = Clock::now();
    for (size_t i = 0; i < infos.size(); ++i) slot.context.set_input(infos[i].name, given[i].data());
    slot.context.execute();
    time = std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
  }
  const auto middle = times.begin() + rounds / 2;
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

nb::list PyEngine::profile(const nb::dict& inputs, int rounds) {
  const cuda::DeviceScope scope(gpu_);
  const Arrays given = borrow_complete(inputs_by_name(inputs));
  ContextPool::Lease lease(pool_, nullptr);
  Slot& slot = lease.slot();
  bind(slot, given.get());
  for (const BindingInfo& info : engine_.outputs()) slot.context.set_output(info.name, nullptr, 0);
  std::vector<StepTiming> timings;
  {
    const nb::gil_scoped_release release;
    timings = slot.context.profile(rounds);
  }
  return to_list(timings);
}

}  // namespace burnish::python
