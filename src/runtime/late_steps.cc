#include "runtime/late_steps.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "engine/verify.h"
#include "runtime/step_preparation.h"

namespace burnish {
namespace {

bool same_tensors(const std::vector<TensorDesc>& a, const std::vector<TensorDesc>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const TensorDesc& x, const TensorDesc& y) { return x.dtype == y.dtype && x.shape == y.shape; });
}

// Kernels may be prepared for the values of integer inputs (axes, starts, sizes), so these must be equal, too.
bool same_constants(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Tensor& x, const Tensor& y) {
    return x.data() == y.data() ? x.shape() == y.shape() && x.dtype() == y.dtype() : x.identical(y);
  });
}

Tensor dense_copy(const TensorView& view, int64_t row_stride) {
  Tensor dense(view.dtype, view.shape);
  const auto size = static_cast<int64_t>(size_of(view.dtype));
  const int64_t row = view.shape.back();
  const int64_t rows = view.num_elements() == 0 ? 0 : view.num_elements() / row;
  for (int64_t r = 0; r < rows; ++r) {
    std::memcpy(dense.as<std::byte>() + r * row * size, view.as<std::byte>() + r * row_stride * size,
                static_cast<size_t>(row * size));
  }
  return dense;
}

}  // namespace

LateSteps::LateSteps(const EngineData& data, const Specialization& specialization, const Target& target,
                     TacticLookup find)
    : data_(data),
      base_(specialization),
      plan_(specialization.plan()),
      target_(target),
      find_(find),
      values_(plan_.values.size()),
      last_read_(plan_.values.size(), 0),
      prepared_(plan_.steps.size() - specialization.resolved().first_late_step) {
  for (size_t s = 0; s < plan_.steps.size(); ++s) {
    for (const PlanValueId id : plan_.steps[s].inputs) {
      if (id != kAbsent) last_read_[static_cast<size_t>(id)] = s;
    }
  }
  for (const Binding& b : plan_.outputs) last_read_[static_cast<size_t>(b.value)] = plan_.steps.size();
}

void LateSteps::run(ThreadPool& pool, const StepObserver* observer) {
  using Clock = std::chrono::steady_clock;
  std::fill(values_.begin(), values_.end(), Tensor());
  for (size_t s = base_.resolved().first_late_step; s < plan_.steps.size(); ++s) {
    const PlanStep& step = plan_.steps[s];
    StepCost cost;
    const auto begin = Clock::now();
    with_frame([&] { return fmt::format("step '{}' ({})", step.name, step.op); },
               [&] { run_step(s, pool, observer != nullptr ? &cost : nullptr); });
    if (observer != nullptr) {
      (*observer)(s, cost, std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
    }
    release_after(s);
  }
}

// Views and shape steps are small or rare here: the reference copies them.
void LateSteps::run_step(size_t s, ThreadPool& pool, StepCost* cost) {
  const PlanStep& step = plan_.steps[s];
  if (step.kind != StepKind::kKernel) return run_reference(step);
  const Tactic& tactic = tactic_of(step, find_);
  if (tactic.ops().empty()) return run_reference(step);
  run_kernel(s, tactic, pool, cost);
}

void LateSteps::run_reference(const PlanStep& step) {
  const std::vector<Tensor> inputs = read_all(step);
  for (size_t i = 0; i < inputs.size(); ++i) {
    check(!inputs[i].defined() || inputs[i].data() != nullptr || inputs[i].num_elements() == 0, ErrorCode::kCorrupt,
          "input {} has no elements in the file", i);
  }
  auto outputs = evaluate_op(*find_op(step.op), step.attrs, inputs, static_cast<int>(step.outputs.size()));
  for (size_t i = 0; i < step.outputs.size(); ++i) keep(step.outputs[i], std::move(outputs[i]));
}

Problem LateSteps::pose(const PlanStep& step, const std::vector<Tensor>& inputs) const {
  Problem problem;
  problem.op = step.op;
  problem.attrs = &step.attrs;
  std::vector<TypeInfo> types;
  std::vector<ValueInfo> values;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const PlanValueId id = step.inputs[i];
    const Tensor& tensor = inputs[i];
    problem.inputs.push_back({tensor.dtype(), tensor.shape(), 0});
    types.push_back(id == kAbsent ? TypeInfo{} : TypeInfo{tensor.dtype(), to_symbolic(tensor.shape())});
    // Small integers may be shapes; a kernel must not take activations for constants.
    const bool constant = id != kAbsent && plan_.values[static_cast<size_t>(id)].kind == ValueKind::kConstant;
    const bool steers = constant || is_integer(tensor.dtype());
    problem.constants.push_back(steers && tensor.data() != nullptr ? tensor : Tensor());
    problem.is_constant.push_back(constant);
  }
  for (const Tensor& t : problem.constants) values.push_back({t.defined() ? &t : nullptr, std::nullopt});
  InferContext context(step.attrs, types, values, static_cast<int>(step.outputs.size()));
  find_op(step.op)->infer(context);
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    TensorDesc desc;
    if (step.outputs[i] != kAbsent) {
      const TypeInfo& type = context.outputs()[i];
      const auto shape = type.shape ? to_concrete(*type.shape) : std::nullopt;
      check(shape.has_value(), ErrorCode::kUnsupported, "the shape of output {} is not known before it runs", i);
      desc = {type.dtype, *shape, 0};
    }
    problem.outputs.push_back(desc);
  }
  return problem;
}

void LateSteps::run_kernel(size_t s, const Tactic& tactic, ThreadPool& pool, StepCost* cost) {
  const PlanStep& step = plan_.steps[s];
  const std::vector<Tensor> inputs = read_all(step);
  Problem problem = pose(step, inputs);
  if (cost != nullptr) *cost = step_cost(problem);
  if (has_empty_input(problem)) return run_reference(step);
  const Kernel& kernel = prepare(s, tactic, problem);
  std::vector<const void*> sources;
  for (const Tensor& t : inputs) sources.push_back(t.data());
  std::vector<void*> targets;
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    const TensorDesc& desc = problem.outputs[i];
    if (step.outputs[i] != kAbsent) keep(step.outputs[i], Tensor(desc.dtype, desc.shape));
    targets.push_back(step.outputs[i] == kAbsent ? nullptr : values_[static_cast<size_t>(step.outputs[i])].data());
  }
  if (kernel.scratch_bytes() > scratch_bytes_) {
    scratch_bytes_ = kernel.scratch_bytes();
    scratch_ = allocate_aligned(scratch_bytes_);
  }
  kernel.run({sources, targets, scratch_.get(), &pool});
}

const Kernel& LateSteps::prepare(size_t s, const Tactic& tactic, Problem& problem) {
  const PlanStep& step = plan_.steps[s];
  Prepared& prepared = prepared_[s - base_.resolved().first_late_step];
  if (prepared.kernel != nullptr && same_tensors(prepared.problem.inputs, problem.inputs) &&
      same_tensors(prepared.problem.outputs, problem.outputs) &&
      same_constants(prepared.problem.constants, problem.constants)) {
    return *prepared.kernel;
  }
  for (size_t i = 0; i < problem.constants.size(); ++i) {
    // What was computed in this execution is overwritten by the next.
    const bool stays = step.inputs[i] == kAbsent ||
                       base_.layout().places[static_cast<size_t>(step.inputs[i])].region == Region::kConstant;
    if (!stays) problem.constants[i] = problem.constants[i].clone();
  }
  MemoryLayout dense = base_.layout();
  for (Place& p : dense.places) p.row_stride = 0;
  check_usable(tactic, plan_, step, problem, dense, target_);
  prepared.kernel = prepare_kernel(tactic, data_, step, problem, target_);
  prepared.problem = problem;
  return *prepared.kernel;
}

std::vector<Tensor> LateSteps::read_all(const PlanStep& step) const {
  std::vector<Tensor> inputs;
  for (const PlanValueId id : step.inputs) inputs.push_back(read(id));
  return inputs;
}

// Dense; without data for constants that are packed away.
Tensor LateSteps::read(PlanValueId id) const {
  if (id == kAbsent) return {};
  const auto i = static_cast<size_t>(id);
  const Place& place = base_.layout().places[i];
  if (place.region == Region::kLate) return values_[i];
  const Tensor bound(plan_.values[i].dtype, *base_.resolved().shapes[i], nullptr, base_.pointer(id));
  return place.row_stride > 0 ? dense_copy(bound.view(), place.row_stride) : bound;
}

void LateSteps::keep(PlanValueId id, Tensor tensor) {
  if (id == kAbsent) return;
  const PlanValue& v = plan_.values[static_cast<size_t>(id)];
  const bool same_rank = !v.has_shape || static_cast<int>(v.shape.size()) == tensor.shape().rank();
  check(tensor.dtype() == v.dtype && same_rank, ErrorCode::kCorrupt,
        "'{}' is {} {}, but the engine was built for {} {}", v.name, name_of(tensor.dtype()), to_string(tensor.shape()),
        name_of(v.dtype), v.has_shape ? to_string(v.shape) : std::string("of any shape"));
  values_[static_cast<size_t>(id)] = std::move(tensor);
}

void LateSteps::release_after(size_t s) {
  for (const PlanValueId id : plan_.steps[s].inputs) {
    if (id != kAbsent && last_read_[static_cast<size_t>(id)] == s) values_[static_cast<size_t>(id)] = Tensor();
  }
}

}  // namespace burnish
