#include "runtime/step_preparation.h"

#include <algorithm>

#include "engine/verify.h"

namespace burnish {
namespace {

constexpr const char* kRebuild = "rebuild the engine with this version's `burnish build`";

bool is_empty(const TensorDesc& desc) {
  return desc.present() && std::any_of(desc.shape.begin(), desc.shape.end(), [](int64_t d) { return d == 0; });
}

TensorDesc describe(const Plan& plan, PlanValueId id, const ResolvedShapes& resolved, const MemoryLayout& layout,
                    std::span<const uint32_t> free_dims) {
  if (id == kAbsent) return {};
  const auto i = static_cast<size_t>(id);
  return {plan.values[i].dtype, *resolved.shapes[i], layout.places[i].row_stride, free_dims.empty() ? 0 : free_dims[i]};
}

void check_inputs(const Tactic& tactic, const Plan& plan, const PlanStep& step, const Problem& problem,
                  const MemoryLayout& layout) {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    if (step.inputs[i] == kAbsent) continue;
    const PlanValue& v = plan.values[static_cast<size_t>(step.inputs[i])];
    const Place& place = layout.places[static_cast<size_t>(step.inputs[i])];
    const bool packed = v.kind == ValueKind::kConstant && !has_data(v);
    check(place.region != Region::kNowhere || (packed && tactic.packs_input(problem, static_cast<int>(i))),
          ErrorCode::kCorrupt, "'{}' has no elements in the file, and tactic {} does not pack it", v.name,
          tactic.name());
    check(problem.inputs[i].dense() || tactic.accepts_strided_input(problem, static_cast<int>(i)), ErrorCode::kCorrupt,
          "tactic {} cannot read '{}', whose rows stand apart", tactic.name(), v.name);
  }
}

void check_outputs(const Tactic& tactic, const Plan& plan, const PlanStep& step, const Problem& problem,
                   const MemoryLayout& layout) {
  for (size_t o = 0; o < step.outputs.size(); ++o) {
    if (step.outputs[o] == kAbsent) continue;
    const PlanValue& v = plan.values[static_cast<size_t>(step.outputs[o])];
    const Place& out = layout.places[static_cast<size_t>(step.outputs[o])];
    check(problem.outputs[o].dense() || tactic.accepts_strided_output(problem, static_cast<int>(o)),
          ErrorCode::kCorrupt, "tactic {} cannot write '{}', whose rows stand apart", tactic.name(), v.name);
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      if (step.inputs[i] == kAbsent) continue;
      const Place& in = layout.places[static_cast<size_t>(step.inputs[i])];
      const bool shared = in.region == Region::kArena && in.root == out.root && in.offset_bytes == out.offset_bytes;
      check(!shared || tactic.may_run_in_place(problem, static_cast<int>(i)), ErrorCode::kCorrupt,
            "tactic {} cannot write '{}' over its input", tactic.name(), v.name);
    }
  }
}

}  // namespace

const Tactic& tactic_of(const PlanStep& step, TacticLookup find) {
  const Tactic* tactic = find(step.tactic);
  if (tactic == nullptr) {
    throw Error(ErrorCode::kMismatch, fmt::format("this build of Burnish has no tactic '{}'", step.tactic))
        .with_hint(kRebuild);
  }
  if (tactic->version() != step.tactic_version) {
    throw Error(ErrorCode::kMismatch, fmt::format("the engine was built with version {} of tactic '{}', this is {}",
                                                  step.tactic_version, step.tactic, tactic->version()))
        .with_hint(kRebuild);
  }
  const auto ops = tactic->ops();
  check(ops.empty() || std::find(ops.begin(), ops.end(), step.op) != ops.end(), ErrorCode::kCorrupt,
        "tactic {} does not run {}", tactic->name(), step.op);
  return *tactic;
}

Problem problem_of(const Plan& plan, const PlanStep& step, const ResolvedShapes& resolved, const MemoryLayout& layout,
                   std::span<const uint32_t> free_dims) {
  Problem problem;
  problem.op = step.op;
  problem.attrs = &step.attrs;
  for (const PlanValueId id : step.inputs) {
    const auto i = static_cast<size_t>(id);
    problem.inputs.push_back(describe(plan, id, resolved, layout, free_dims));
    problem.constants.push_back(id == kAbsent ? Tensor() : resolved.tensors[i]);
    problem.is_constant.push_back(id != kAbsent && plan.values[i].kind == ValueKind::kConstant);
  }
  for (const PlanValueId id : step.outputs) problem.outputs.push_back(describe(plan, id, resolved, layout, free_dims));
  return problem;
}

void check_usable(const Tactic& tactic, const Plan& plan, const PlanStep& step, const Problem& problem,
                  const MemoryLayout& layout, const Target& target) {
  check_inputs(tactic, plan, step, problem, layout);
  check_outputs(tactic, plan, step, problem, layout);
  check(tactic.supports(problem, target), ErrorCode::kUnsupported, "tactic {} cannot run these shapes", tactic.name());
}

std::unique_ptr<Kernel> prepare_kernel(const Tactic& tactic, const EngineData& data, const PlanStep& step,
                                       const Problem& problem, const Target& target) {
  std::vector<PackedView> packed;
  for (const int32_t i : step.packed) {
    const Blob& blob = data.blobs[static_cast<size_t>(i)];
    packed.emplace_back(blob.data, blob.num_bytes);
    packed.back().device = blob.device;
  }
  auto kernel = tactic.prepare(problem, step.config, packed, target);
  check(kernel != nullptr, ErrorCode::kInternal, "tactic {} prepared nothing", tactic.name());
  return kernel;
}

bool has_empty_input(const Problem& problem) {
  return std::any_of(problem.inputs.begin(), problem.inputs.end(), is_empty);
}

bool outputs_are_empty(const Problem& problem) {
  return std::all_of(problem.outputs.begin(), problem.outputs.end(),
                     [](const TensorDesc& d) { return !d.present() || is_empty(d); });
}

}  // namespace burnish
