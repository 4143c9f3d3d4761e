#include "python/engine.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/error.h"

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

void check_type(const HostArray& array, const BindingInfo& info, const char* kind) {
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

/// A context for one call; goes back to the idle ones, whatever happens.
class PyEngine::Lease {
 public:
  explicit Lease(PyEngine& engine) : engine_(engine) {
    {
      const std::lock_guard lock(engine.mutex_);
      if (!engine.idle_.empty()) {
        slot_ = std::move(engine.idle_.back());
        engine.idle_.pop_back();
      }
    }
    if (slot_) return;
    const nb::gil_scoped_release release;  // threads are started
    slot_ = std::make_unique<Slot>(engine.engine_.create_context(engine.num_threads_));
  }
  ~Lease() {
    const std::lock_guard lock(engine_.mutex_);
    engine_.idle_.push_back(std::move(slot_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Slot& slot() { return *slot_; }

 private:
  PyEngine& engine_;
  std::unique_ptr<Slot> slot_;
};

PyEngine::PyEngine(Engine engine, int num_threads) : engine_(std::move(engine)), num_threads_(num_threads) {
  check(num_threads >= 0, ErrorCode::kInvalidArgument, "{} threads are not possible (0 means all cores)", num_threads);
}

PyEngine::Arrays PyEngine::borrow_inputs(const std::vector<nb::handle>& inputs) const {
  Arrays arrays = std::make_unique<HostArray[]>(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const BindingInfo& info = engine_.inputs()[i];
    arrays[i].borrow(inputs[i], info.dtype, info.name);
    check_type(arrays[i], info, "input");
  }
  return arrays;
}

// Which shapes the arrays have, told to the context only when they differ from the last call's.
void PyEngine::prepare(Slot& slot, const HostArray* inputs) const {
  const auto& infos = engine_.inputs();
  bool same = slot.shapes.size() == infos.size() && !slot.outputs.empty();
  for (size_t i = 0; same && i < infos.size(); ++i) same = std::ranges::equal(slot.shapes[i], inputs[i].shape());
  if (same) return;
  slot.shapes.clear();
  slot.outputs.clear();
  for (size_t i = 0; i < infos.size(); ++i) slot.context.set_input_shape(infos[i].name, inputs[i].shape());
  {
    const nb::gil_scoped_release release;
    slot.context.prepare();
  }
  for (const BindingInfo& info : engine_.outputs()) {
    Output output;
    output.depends_on_data = slot.context.depends_on_data(info.name);
    if (!output.depends_on_data) output.shape = tuple_of(slot.context.output_shape(info.name));
    slot.outputs.push_back(std::move(output));
  }
  for (size_t i = 0; i < infos.size(); ++i) {
    slot.shapes.emplace_back(inputs[i].shape().begin(), inputs[i].shape().end());
  }
}

void PyEngine::bind(Slot& slot, const HostArray* inputs) const {
  prepare(slot, inputs);
  const auto& infos = engine_.inputs();
  for (size_t i = 0; i < infos.size(); ++i) slot.context.set_input(infos[i].name, inputs[i].data());
}

std::vector<nb::object> PyEngine::execute(const std::vector<nb::handle>& inputs,
                                          const std::vector<nb::handle>& targets) {
  const Arrays given = borrow_inputs(inputs);
  Lease lease(*this);
  Slot& slot = lease.slot();
  bind(slot, given.get());
  const auto& infos = engine_.outputs();
  std::vector<nb::object> results(infos.size());
  const Arrays memory = std::make_unique<HostArray[]>(infos.size());
  for (size_t i = 0; i < infos.size(); ++i) {
    slot.context.set_output(infos[i].name, nullptr, 0);
    if (targets[i].is_valid()) {
      results[i] = nb::borrow(targets[i]);
      memory[i].borrow_writable(targets[i], infos[i].name);
      check_type(memory[i], infos[i], "output");
      check_shape(slot, i, memory[i]);
    } else if (!slot.outputs[i].depends_on_data) {
      results[i] = NumPy::get().empty(slot.outputs[i].shape, infos[i].dtype);
      memory[i].borrow_writable(results[i], infos[i].name);
      results[i] = NumPy::get().from_storage(std::move(results[i]), infos[i].dtype);
    }
    if (memory[i].data() != nullptr) slot.context.set_output(infos[i].name, memory[i].data(), memory[i].num_bytes());
  }
  {
    const nb::gil_scoped_release release;
    slot.context.execute();
  }
  for (size_t i = 0; i < infos.size(); ++i) {
    if (slot.outputs[i].depends_on_data) finish_data_dependent(slot, i, memory[i], results[i]);
  }
  return results;
}

// Memory whose shape is another than the output's would hold the elements in an order that nobody expects.
void PyEngine::check_shape(const Slot& slot, size_t i, const HostArray& target) const {
  if (slot.outputs[i].depends_on_data) return;
  const nb::object shape = tuple_of({target.shape().begin(), target.shape().end()});
  if (shape.equal(slot.outputs[i].shape)) return;
  throw_error(ErrorCode::kInvalidArgument, "output '{}' has the shape {}, but the array given for it has {}",
              engine_.outputs()[i].name, nb::repr(slot.outputs[i].shape).c_str(), nb::repr(shape).c_str());
}

void PyEngine::finish_data_dependent(const Slot& slot, size_t i, const HostArray& target, nb::object& result) const {
  const BindingInfo& info = engine_.outputs()[i];
  const std::vector<int64_t> shape = slot.context.output_shape(info.name);
  if (result.is_valid()) {
    check(std::ranges::equal(target.shape(), shape), ErrorCode::kInvalidArgument,
          "output '{}' has the shape [{}] this time, another than the array given for it", info.name,
          fmt::join(shape, ","));
    return;
  }
  HostArray memory;
  result = NumPy::get().empty(tuple_of(shape), info.dtype);
  memory.borrow_writable(result, info.name);
  if (memory.num_bytes() > 0) std::memcpy(memory.data(), slot.context.output(info.name), memory.num_bytes());
  result = NumPy::get().from_storage(std::move(result), info.dtype);
}

std::vector<nb::handle> PyEngine::targets_of(nb::handle out) const {
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
  nb::handle out;
  for (const auto& [key, value] : kwargs) {
    const auto name = nb::cast<std::string>(key);
    if (name == "out") {
      out = value;
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
  std::vector<nb::object> results = execute(inputs, targets_of(out));
  if (results.size() == 1) return std::move(results[0]);
  nb::object tuple = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(results.size())));
  for (size_t i = 0; i < results.size(); ++i) {
    PyTuple_SetItem(tuple.ptr(), static_cast<Py_ssize_t>(i), results[i].release().ptr());
  }
  return tuple;
}

std::vector<nb::handle> PyEngine::inputs_by_name(const nb::dict& given) const {
  const auto& infos = engine_.inputs();
  std::vector<nb::handle> inputs(infos.size());
  for (const auto& [name, array] : given) inputs[index_of(infos, nb::cast<std::string>(name), "input")] = array;
  for (size_t i = 0; i < infos.size(); ++i) {
    check(inputs[i].is_valid(), ErrorCode::kInvalidArgument, "input '{}' is not given; the engine's inputs are {}",
          infos[i].name, names_of(infos));
  }
  return inputs;
}

nb::dict PyEngine::run(const nb::dict& inputs, nb::handle out) {
  std::vector<nb::object> results = execute(inputs_by_name(inputs), targets_of(out));
  nb::dict named;
  for (size_t i = 0; i < results.size(); ++i) named[engine_.outputs()[i].name.c_str()] = results[i];
  return named;
}

double PyEngine::time_native_call(const nb::dict& inputs, int rounds) {
  using Clock = std::chrono::steady_clock;
  check(rounds > 0, ErrorCode::kInvalidArgument, "at least one round is needed, not {}", rounds);
  const Arrays given = borrow_inputs(inputs_by_name(inputs));
  Lease lease(*this);
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
  const Arrays given = borrow_inputs(inputs_by_name(inputs));
  Lease lease(*this);
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
