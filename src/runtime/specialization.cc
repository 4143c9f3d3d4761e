#include "runtime/specialization.h"

#include <algorithm>

#include "runtime/device_copies.h"
#include "runtime/step_preparation.h"

namespace burnish {
namespace {

/// The target's tactic that runs everything.
std::string_view reference_of(const Target& target) {
  return target.is_cuda() ? "cuda.host" : "cpu.reference";
}

std::map<std::string, Shape> shapes_by_name(const Plan& plan, const std::vector<Shape>& shapes) {
  std::map<std::string, Shape> by_name;
  for (size_t i = 0; i < shapes.size(); ++i) by_name[plan.inputs[i].name] = shapes[i];
  return by_name;
}

// The reference where a tensor is empty: it is written for that, kernels need not be.
const Tactic& choose_tactic(const PlanStep& step, const Problem& problem, const Target& target, TacticLookup find) {
  const Tactic* reference = has_empty_input(problem) ? find(reference_of(target)) : nullptr;
  return reference != nullptr ? *reference : tactic_of(step, find);
}

}  // namespace

void StepRun::run(ThreadPool& pool, void* stream) const {
  const KernelArgs args{inputs, outputs, scratch, &pool, stream, flags};
  if (kernel != nullptr) {
    kernel->run(args);
  } else {
    concat->run(args);
  }
}

Specialization::Specialization(const EngineData& data, const Plan& plan, const Target& target, TacticLookup find,
                               std::vector<Shape> input_shapes)
    : plan_(plan),
      input_shapes_(std::move(input_shapes)),
      resolved_(resolve_shapes(plan, data.blobs, shapes_by_name(plan, input_shapes_))),
      layout_(find_places(plan, resolved_)),
      root_pointers_(plan.values.size(), nullptr) {
  if (target.is_cuda()) find_free_dims(data);
  prepare_steps(data, target, find);
  std::vector<size_t> scratch_bytes(plan.steps.size(), 0);
  for (const StepRun& run : runs_) scratch_bytes[run.step] = run.kernel ? run.kernel->scratch_bytes() : 0;
  assign_offsets(plan_, resolved_, scratch_bytes, layout_);
  find_direct_outputs();
  find_read_inputs();
  upload_constants(data, target);
}

void Specialization::run_step(const StepRun& run, ThreadPool& pool, void* stream) const {
  try {
    run.run(pool, stream);
  } catch (Error& e) {
    e.add_frame(fmt::format("step '{}' ({})", plan_.steps[run.step].name, plan_.steps[run.step].op));
    throw;
  }
}

void Specialization::upload_constants(const EngineData& data, const Target& target) {
  constants_.assign(plan_.values.size(), nullptr);
  std::vector<size_t> missing;
  for (size_t i = 0; i < constants_.size(); ++i) {
    if (layout_.places[i].region != Region::kConstant || !resolved_.tensors[i].defined()) continue;
    const PlanValue& value = plan_.values[i];
    constants_[i] = resolved_.tensors[i].data();
    if (!target.is_cuda()) continue;
    constants_[i] = value.blob < 0 ? nullptr : data.blobs[static_cast<size_t>(value.blob)].device;
    if (constants_[i] == nullptr) missing.push_back(i);
  }
  std::vector<std::span<const std::byte>> bytes;
  for (const size_t i : missing) {
    const Tensor& tensor = resolved_.tensors[i];
    bytes.emplace_back(static_cast<const std::byte*>(tensor.data()), tensor.num_bytes());
  }
  if (missing.empty()) return;
  const DeviceCopies copies = copy_to_device(bytes, target);
  uploaded_ = copies.owner;
  for (size_t k = 0; k < missing.size(); ++k) constants_[missing[k]] = copies.addresses[k];
}

void Specialization::prepare_steps(const EngineData& data, const Target& target, TacticLookup find) {
  for (size_t s = 0; s < resolved_.first_late_step; ++s) {
    const PlanStep& step = plan_.steps[s];
    if (step.kind != StepKind::kKernel) continue;
    with_frame([&] { return fmt::format("step '{}' ({})", step.name, step.op); },
               [&] {
                 StepRun run;
                 run.step = s;
                 const Problem problem = problem_of(plan_, step, resolved_, layout_, free_dims_);
                 if (outputs_are_empty(problem)) return;
                 run.concat = ConcatCopy::find(plan_, step, problem, layout_);
                 if (!run.concat) {
                   const Tactic& tactic = choose_tactic(step, problem, target, find);
                   check_usable(tactic, plan_, step, problem, layout_, target);
                   run.kernel = prepare_kernel(tactic, data, step, problem, target);
                 }
                 run.cost = step_cost(problem);
                 run.inputs.resize(step.inputs.size());
                 run.outputs.resize(step.outputs.size());
                 runs_.push_back(std::move(run));
               });
  }
}

void Specialization::find_free_dims(const EngineData& data) {
  std::map<std::string, Shape> min, max;
  for (const auto& [name, shapes] : plan_.profile.inputs) {
    min[name] = shapes.min;
    max[name] = shapes.max;
  }
  const ResolvedShapes smallest = resolve_shapes(plan_, data.blobs, min);
  free_dims_ = free_dims_between(smallest, resolve_shapes(plan_, data.blobs, max));
  // Generated programs contain the sizes that are not free.
  for (size_t v = 0; v < free_dims_.size(); ++v) {
    if (!resolved_.shapes[v] || free_dims_[v] == ~uint32_t{0}) continue;
    for (int i = 0; i < resolved_.shapes[v]->rank(); ++i) {
      const bool is_free = (free_dims_[v] >> static_cast<unsigned>(i) & 1U) != 0;
      check(is_free || (*resolved_.shapes[v])[i] == (*smallest.shapes[v])[i], ErrorCode::kUnsupported,
            "dimension {} of '{}' is the same at the profile's min and max shapes but not in between", i,
            plan_.values[v].name);
    }
  }
}

void Specialization::find_direct_outputs() {
  std::vector<bool> taken(plan_.values.size(), false);  // by root: two outputs may be one value
  for (const Binding& b : plan_.outputs) {
    const auto id = static_cast<size_t>(b.value);
    const Place& place = layout_.places[id];
    bool direct = place.region == Region::kArena && place.row_stride == 0 && place.offset_bytes == 0;
    if (direct) {
      const auto root = static_cast<size_t>(place.root);
      direct = !taken[root] && layout_.root_bytes[root] == dense_bytes(plan_.values[id].dtype, *resolved_.shapes[id]);
      taken[root] = taken[root] || direct;
    }
    direct_.push_back(direct);
  }
}

void Specialization::find_read_inputs() {
  std::vector<bool> read(plan_.values.size(), false);  // by root
  const auto mark = [&](PlanValueId id) {
    if (id == kAbsent) return;
    const Place& place = layout_.places[static_cast<size_t>(id)];
    if (place.region == Region::kInput) read[static_cast<size_t>(place.root)] = true;
  };
  for (size_t s = 0; s < plan_.steps.size(); ++s) {
    if (plan_.steps[s].kind != StepKind::kKernel && s < resolved_.first_late_step) continue;
    for (const PlanValueId id : plan_.steps[s].inputs) mark(id);
  }
  for (const Binding& b : plan_.outputs) mark(b.value);
  for (const Binding& b : plan_.inputs) reads_input_.push_back(read[static_cast<size_t>(b.value)]);
}

int64_t Specialization::input_bytes(size_t i) const {
  return dense_bytes(plan_.values[static_cast<size_t>(plan_.inputs[i].value)].dtype, input_shapes_[i]);
}

std::byte* Specialization::pointer(PlanValueId id) const {
  if (id == kAbsent) return nullptr;
  const Place& place = layout_.places[static_cast<size_t>(id)];
  if (place.region == Region::kNowhere || place.region == Region::kLate) return nullptr;
  std::byte* root = root_pointers_[static_cast<size_t>(place.root)];
  return root == nullptr ? nullptr : root + place.offset_bytes;
}

void Specialization::bind(const MemoryBases& bases) {
  for (size_t i = 0; i < root_pointers_.size(); ++i) {
    if (layout_.places[i].region == Region::kArena && layout_.arena_offsets[i] >= 0) {
      root_pointers_[i] = bases.arena + layout_.arena_offsets[i];
    } else if (layout_.places[i].region == Region::kConstant) {
      // Kernels only read their inputs.
      root_pointers_[i] = static_cast<std::byte*>(const_cast<void*>(constants_[i]));
    }
  }
  for (size_t i = 0; i < bases.inputs.size(); ++i) {
    // Kernels only read their inputs.
    root_pointers_[static_cast<size_t>(plan_.inputs[i].value)] =
        static_cast<std::byte*>(const_cast<void*>(bases.inputs[i]));
  }
  for (size_t i = 0; i < bases.outputs.size(); ++i) {
    if (bases.outputs[i] == nullptr) continue;
    const Place& place = layout_.places[static_cast<size_t>(plan_.outputs[i].value)];
    root_pointers_[static_cast<size_t>(place.root)] = static_cast<std::byte*>(bases.outputs[i]);
  }
  for (StepRun& run : runs_) {
    const PlanStep& step = plan_.steps[run.step];
    for (size_t i = 0; i < step.inputs.size(); ++i) run.inputs[i] = pointer(step.inputs[i]);
    for (size_t i = 0; i < step.outputs.size(); ++i) run.outputs[i] = pointer(step.outputs[i]);
    run.scratch = bases.arena + layout_.scratch[run.step];
    run.flags = bases.flags;
  }
}

}  // namespace burnish
