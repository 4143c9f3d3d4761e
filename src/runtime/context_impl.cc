#include "runtime/context_impl.h"

#include <algorithm>

#include "runtime/lookup.h"
#include "runtime/shape_choice.h"
#include "runtime/step_preparation.h"

namespace burnish {
namespace {

constexpr int kMaxThreads = 1024;
// Servers meet as many numbers of items as a batch can have, for each length: preparing again costs up to a millisecond.
constexpr size_t kMaxRemembered = 32;

int checked_threads(int num_threads) {
  check(num_threads >= 0 && num_threads <= kMaxThreads, ErrorCode::kInvalidArgument,
        "a context cannot have {} threads (0 means all cores)", num_threads);
  return num_threads;
}

}  // namespace

ExecutionContext::Impl::Prepared::Prepared(const Engine::Impl& engine, const Plan& plan, const Target& target,
                                           Session& session, const std::vector<Shape>& shapes)
    : steps(engine.data, plan, target, engine.find, shapes), runner(session.create_runner(steps)) {
  check(!steps.is_late() || !target.is_cuda(), ErrorCode::kUnsupported,
        "shapes that depend on data cannot be executed on GPUs yet");
  if (steps.is_late()) late = std::make_unique<LateSteps>(engine.data, steps, target, engine.find);
}

ExecutionContext::Impl::Impl(std::shared_ptr<const Engine::Impl> engine, int num_threads)
    : engine_(std::move(engine)),
      pool_(engine_->target.is_cuda() ? 1 : checked_threads(num_threads)),
      target_(engine_->target),
      session_(target_.is_cuda() ? create_cuda_session(pool_, target_) : create_host_session(pool_)) {
  target_.num_threads = pool_.num_threads();
  const Plan& plan = interface();
  shapes_.resize(plan.inputs.size());
  inputs_.resize(plan.inputs.size());
  outputs_.resize(plan.outputs.size());
  input_bases_.resize(plan.inputs.size());
  output_bases_.resize(plan.outputs.size());
  cache_.reserve(kMaxRemembered);
  for (size_t i = 0; i < shapes_.size(); ++i) {
    const auto only = only_shape(engine_->data, plan.inputs[i].name);
    inputs_[i].has_shape = only.has_value();
    if (only) shapes_[i] = *only;
  }
}

void ExecutionContext::Impl::set_input_shape(std::string_view name, std::span<const int64_t> dims) {
  const size_t i = index_of(interface().inputs, name, "input");
  const Shape shape(dims);
  if (inputs_[i].has_shape && shapes_[i] == shape) return;
  check_shape(engine_->data, i, shape);
  shapes_[i] = shape;
  inputs_[i].has_shape = true;
  current_ = nullptr;
}

void ExecutionContext::Impl::set_input(std::string_view name, const void* data) {
  Input& input = inputs_[index_of(interface().inputs, name, "input")];
  if (input.data != data) is_bound_ = false;
  input.data = data;
  input.is_set = true;
}

void ExecutionContext::Impl::set_input(std::string_view name, DataType dtype, std::span<const int64_t> shape,
                                       const void* data) {
  const size_t i = index_of(interface().inputs, name, "input");
  const DType wanted = interface().values[static_cast<size_t>(interface().inputs[i].value)].dtype;
  check(public_type_of(wanted) == dtype, ErrorCode::kInvalidArgument, "input '{}' is {}, not the type given", name,
        name_of(wanted));
  set_input_shape(name, shape);
  set_input(name, data);
}

void ExecutionContext::Impl::set_output(std::string_view name, void* data, size_t capacity_bytes) {
  Output& output = outputs_[index_of(interface().outputs, name, "output")];
  if (output.target != data || output.capacity != capacity_bytes) is_bound_ = false;
  output.target = data;
  output.capacity = data == nullptr ? 0 : capacity_bytes;
}

void ExecutionContext::Impl::prepare() {
  if (current_ != nullptr) return;
  for (size_t i = 0; i < shapes_.size(); ++i) {
    if (inputs_[i].has_shape) continue;
    const std::string& name = interface().inputs[i].name;
    throw Error(ErrorCode::kInvalidArgument, fmt::format("the shape of input '{}' is not set", name))
        .with_hint(fmt::format("call set_input_shape(\"{}\", …) first", name));
  }
  const Plan& plan = choose_plan(engine_->data, shapes_);
  const auto known = std::find_if(cache_.begin(), cache_.end(), [&](const auto& p) {
    return &p->steps.plan() == &plan && p->steps.input_shapes() == shapes_;
  });
  is_bound_ = false;
  has_run_ = false;
  Prepared* next = nullptr;
  if (known != cache_.end()) {
    next = known->get();
  } else {
    auto made = std::make_unique<Prepared>(*engine_, plan, target_, *session_, shapes_);
    if (cache_.size() == kMaxRemembered) {
      cache_.erase(std::min_element(cache_.begin(), cache_.end(),
                                    [](const auto& a, const auto& b) { return a->last_used < b->last_used; }));
    }
    cache_.push_back(std::move(made));
    next = cache_.back().get();
  }
  arena_ = session_->reserve_arena(static_cast<size_t>(next->steps.arena_bytes()));
  next->last_used = ++uses_;
  current_ = next;
}

void ExecutionContext::Impl::bind() {
  bind_inputs();
  bind_outputs();
  current_->runner->bind({arena_, input_bases_, output_bases_});
  is_bound_ = true;
}

void ExecutionContext::Impl::bind_inputs() {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    Input& input = inputs_[i];
    const Binding& b = interface().inputs[i];
    const auto bytes = static_cast<size_t>(current_->steps.input_bytes(i));
    const bool needed = current_->steps.reads_input(i) && bytes > 0;
    check(!needed || (input.is_set && input.data != nullptr), ErrorCode::kInvalidArgument,
          "input '{}' has no data: call set_input(\"{}\", …) first", b.name, b.name);
    const DType dtype = interface().values[static_cast<size_t>(b.value)].dtype;
    input_bases_[i] = needed ? session_->place_input(i, input.data, bytes, size_of(dtype)) : input.data;
  }
}

bool ExecutionContext::Impl::overlaps_an_input(const void* data, size_t num_bytes) const {
  const auto begin = reinterpret_cast<uintptr_t>(data);
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const auto input = reinterpret_cast<uintptr_t>(inputs_[i].data);
    const auto bytes = static_cast<size_t>(current_->steps.input_bytes(i));
    if (input != 0 && begin < input + bytes && input < begin + num_bytes) return true;
  }
  return false;
}

void ExecutionContext::Impl::bind_outputs() {
  const Plan& plan = current_->steps.plan();
  for (size_t i = 0; i < outputs_.size(); ++i) {
    output_bases_[i] = nullptr;
    if (outputs_[i].target == nullptr || !current_->steps.can_write_directly(i)) continue;
    const auto id = static_cast<size_t>(plan.outputs[i].value);
    const auto bytes = static_cast<size_t>(dense_bytes(plan.values[id].dtype, *current_->steps.resolved().shapes[id]));
    const bool direct = session_->can_compute_in(outputs_[i].target, size_of(plan.values[id].dtype)) &&
                        bytes <= outputs_[i].capacity && !overlaps_an_input(outputs_[i].target, bytes);
    if (direct) output_bases_[i] = outputs_[i].target;
  }
}

void ExecutionContext::Impl::stage_inputs(void* stream) {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (input_bases_[i] == inputs_[i].data) continue;
    session_->stage_input(i, inputs_[i].data, static_cast<size_t>(current_->steps.input_bytes(i)), stream);
  }
}

void ExecutionContext::Impl::launch(void* stream, const StepObserver* observer) {
  prepare();
  if (!is_bound_) bind();
  check_capacities();
  has_run_ = false;
  stage_inputs(stream);
  current_->runner->run(stream, observer);
  if (current_->late) current_->late->run(pool_, observer);
  deliver_outputs(stream);
  has_run_ = true;
}

void ExecutionContext::Impl::execute(const StepObserver* observer) {
  launch(nullptr, observer);
  session_->finish();
}

void ExecutionContext::Impl::enqueue(void* stream) {
  check(target_.is_cuda() && stream != nullptr, ErrorCode::kInvalidArgument,
        "enqueue() needs an engine for a GPU and one of its streams: call execute() instead");
  launch(stream, nullptr);
}

// Before anything runs, as far as shapes are known.
void ExecutionContext::Impl::check_capacities() const {
  const Plan& plan = current_->steps.plan();
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const auto id = static_cast<size_t>(plan.outputs[i].value);
    const auto& shape = current_->steps.resolved().shapes[id];
    if (outputs_[i].target == nullptr || !shape) continue;
    const auto bytes = static_cast<size_t>(dense_bytes(plan.values[id].dtype, *shape));
    check(bytes <= outputs_[i].capacity, ErrorCode::kInvalidArgument,
          "output '{}' {} takes {} bytes, but set_output() gave {}", plan.outputs[i].name, to_string(*shape), bytes,
          outputs_[i].capacity);
  }
}

TensorView ExecutionContext::Impl::computed_output(size_t i) const {
  const Specialization& steps = current_->steps;
  const auto id = static_cast<size_t>(steps.plan().outputs[i].value);
  if (steps.layout().places[id].region == Region::kLate) {
    return current_->late->value(static_cast<PlanValueId>(id)).view();
  }
  return {steps.plan().values[id].dtype, *steps.resolved().shapes[id], steps.pointer(static_cast<PlanValueId>(id))};
}

void ExecutionContext::Impl::deliver_outputs(void* stream) {
  const MemoryLayout& layout = current_->steps.layout();
  for (size_t i = 0; i < outputs_.size(); ++i) {
    Output& output = outputs_[i];
    const TensorView view = computed_output(i);
    const auto id = static_cast<size_t>(current_->steps.plan().outputs[i].value);
    output.shape = view.shape;
    check(output.target == nullptr || view.num_bytes() <= output.capacity, ErrorCode::kInvalidArgument,
          "output '{}' {} takes {} bytes, but set_output() gave {}", interface().outputs[i].name, to_string(view.shape),
          view.num_bytes(), output.capacity);
    std::byte* staging = layout.staging[i] >= 0 ? arena_ + layout.staging[i] : nullptr;
    output.result = session_->deliver(i, view, layout.places[id].row_stride, output.target, staging, stream);
  }
}

bool ExecutionContext::Impl::depends_on_data(std::string_view output) const {
  const size_t i = index_of(interface().outputs, output, "output");
  check(current_ != nullptr, ErrorCode::kInvalidArgument, "the shapes have changed: call prepare() or execute() first");
  const auto id = static_cast<size_t>(current_->steps.plan().outputs[i].value);
  return !current_->steps.resolved().shapes[id] || current_->steps.layout().places[id].region == Region::kLate;
}

bool ExecutionContext::Impl::is_written_directly(std::string_view output) const {
  const size_t i = index_of(interface().outputs, output, "output");
  return has_run_ && outputs_[i].target != nullptr && output_bases_[i] == outputs_[i].target;
}

TensorView ExecutionContext::Impl::output(std::string_view name, bool with_data) const {
  const size_t i = index_of(interface().outputs, name, "output");
  const DType dtype = interface().values[static_cast<size_t>(interface().outputs[i].value)].dtype;
  if (current_ != nullptr && has_run_) return {dtype, outputs_[i].shape, const_cast<void*>(outputs_[i].result)};
  check(!with_data, ErrorCode::kInvalidArgument, "output '{}' is not there yet: call execute() first", name);
  check(current_ != nullptr, ErrorCode::kInvalidArgument, "the shapes have changed: call prepare() or execute() first");
  const auto id = static_cast<size_t>(current_->steps.plan().outputs[i].value);
  check(!depends_on_data(name), ErrorCode::kInvalidArgument,
        "the shape of output '{}' depends on data: call execute() first", name);
  return {dtype, *current_->steps.resolved().shapes[id], nullptr};
}

std::vector<StepTiming> ExecutionContext::Impl::profile(int rounds) {
  check(rounds > 0, ErrorCode::kInvalidArgument, "profile() needs at least one round, not {}", rounds);
  prepare();
  const Plan& plan = current_->steps.plan();
  std::vector<std::vector<double>> times(plan.steps.size());
  std::vector<StepCost> costs(plan.steps.size());
  const StepObserver observer = [&](size_t step, const StepCost& cost, double us) {
    times[step].push_back(us);
    costs[step] = cost;
  };
  for (int r = 0; r < rounds; ++r) execute(&observer);
  std::vector<StepTiming> timings;
  for (size_t s = 0; s < times.size(); ++s) {
    if (times[s].empty()) continue;
    const auto middle = times[s].begin() + static_cast<std::ptrdiff_t>(times[s].size() / 2);
    std::nth_element(times[s].begin(), middle, times[s].end());
    const PlanStep& step = plan.steps[s];
    const std::string tactic = step.kind != StepKind::kKernel ? "" : step.tactic;
    timings.push_back({step.name.empty() ? step.op : step.name, step.op, tactic, *middle, costs[s].flops * 1e-9,
                       costs[s].bytes * 1e-6});
  }
  return timings;
}

}  // namespace burnish
