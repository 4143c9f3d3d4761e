#include "cli/step_precision.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "engine/shape_resolver.h"
#include "ops/fused.h"
#include "runtime/step_cost.h"

namespace burnish::cli {
namespace {

constexpr std::string_view kReference = "cpu.reference";

const PlanValue* input_of(const Plan& plan, const PlanStep& step, size_t i) {
  if (i >= step.inputs.size() || step.inputs[i] == kAbsent) return nullptr;
  return &plan.values[static_cast<size_t>(step.inputs[i])];
}

const PlanValue* output_of(const Plan& plan, const PlanStep& step) {
  if (step.outputs.empty() || step.outputs.front() == kAbsent) return nullptr;
  return &plan.values[static_cast<size_t>(step.outputs.front())];
}

bool holds_bytes(const PlanValue* value) {
  return value != nullptr && (value->dtype == DType::kInt8 || value->dtype == DType::kUInt8);
}

bool is_layer(const PlanStep& step) {
  return is_product_op(step.op);
}

/// The reference decodes integers and computes with floats.
bool multiplies_integers(const Plan& plan, const PlanStep& step) {
  const bool is_integer_operator =
      step.op == "ConvInteger" || step.op == "MatMulInteger" || step.op == "QLinearConv" || step.op == "QLinearMatMul";
  if (is_integer_operator) return true;
  return is_layer(step) && step.tactic != kReference && holds_bytes(input_of(plan, step, 0)) &&
         holds_bytes(input_of(plan, step, 1));
}

/// Operators that take encodings (ops/encoding.h) and compute with the floats that these stand for.
bool computes_with_floats(const PlanStep& step) {
  constexpr std::array<std::string_view, 6> kOps = {kPointwise,          kFusedAttention,      "AveragePool",
                                                    "GlobalAveragePool", "LayerNormalization", "Softmax"};
  return is_layer(step) || step.op == "QuantizeLinear" || std::ranges::find(kOps, step.op) != kOps.end();
}

std::string obstacle_in_form(const Plan& plan, const PlanStep& step) {
  const PlanValue* x = input_of(plan, step, 0);
  const PlanValue* w = input_of(plan, step, kFusedWeights);
  const PlanValue* bias = input_of(plan, step, kFusedBias);
  if (step.op == kFusedAttention || w == nullptr || w->kind != ValueKind::kConstant) {
    return "products of two activations";
  }
  const size_t rank = w->shape.size();
  const bool rank_fits = is_conv_op(step.op) ? rank == 3 || rank == 4 : rank == 2;
  if (!rank_fits) return fmt::format("weights of {} dimensions", rank);
  if (step.attrs.get_int("transA", 0) != 0) return "transposed input";
  if (bias != nullptr && bias->kind != ValueKind::kConstant) return "computed bias";
  if (is_conv_op(step.op) && step.attrs.get_string("output_layout", "NCHW") != "NHWC") {
    return "output is not channels-last";
  }
  return holds_bytes(x) && holds_bytes(w) ? "no kernel for these integers" : "";
}

Problem problem_at(const Plan& plan, const PlanStep& step, const ResolvedShapes& resolved) {
  Problem problem;
  problem.op = step.op;
  problem.attrs = &step.attrs;
  const auto desc = [&](PlanValueId id) {
    if (id == kAbsent) return TensorDesc{};
    const auto i = static_cast<size_t>(id);
    return resolved.shapes[i] ? TensorDesc{plan.values[i].dtype, *resolved.shapes[i]} : TensorDesc{};
  };
  for (const PlanValueId id : step.inputs) problem.inputs.push_back(desc(id));
  for (const PlanValueId id : step.outputs) problem.outputs.push_back(desc(id));
  return problem;
}

/// Formulas read inputs 0 and 1, and output 0.
bool has_shapes(const Problem& p) {
  return p.has_input(0) && !p.outputs.empty() && p.outputs[0].present();
}

}  // namespace

std::string stored_precision(const Plan& plan, const PlanStep& step) {
  const PlanValue* output = output_of(plan, step);
  return output == nullptr ? "" : std::string(name_of(output->dtype));
}

std::string computed_precision(const Plan& plan, const PlanStep& step) {
  if (multiplies_integers(plan, step)) return "int8";
  const PlanValue* x = input_of(plan, step, 0);
  if (step.op == "Cast" && x != nullptr) return std::string(name_of(x->dtype));
  if (step.op == "DequantizeLinear") return "float32";
  if (!computes_with_floats(step) || x == nullptr) return stored_precision(plan, step);
  return std::string(holds_bytes(x) ? "float32" : name_of(x->dtype));
}

std::string precision_text(const Plan& plan, const PlanStep& step) {
  const std::string computed = computed_precision(plan, step), stored = stored_precision(plan, step);
  const bool alike = computed == stored || (computed == "int8" && holds_bytes(output_of(plan, step)));
  return alike ? computed : computed + "→" + stored;
}

IntegerObstacles::IntegerObstacles(const EngineData& engine) {
  for (const Plan& plan : engine.plans) {
    uses_integers_ = uses_integers_ || std::ranges::any_of(plan.steps, [&](const PlanStep& step) {
                       return is_layer(step) && multiplies_integers(plan, step);
                     });
  }
  try {
    const auto report = stored_report(engine);
    is_measured_ = report.has_value();
    if (report) {
      for (const AccuracyLayer& layer : report->layers) reasons_[layer.output] = layer.reason;
    }
  } catch (const Error&) {
    is_measured_ = false;
  }
}

std::string IntegerObstacles::of(const Plan& plan, const PlanStep& step) const {
  const bool multiplies = is_layer(step) || step.op == kFusedAttention;
  if (!uses_integers_ || !multiplies || multiplies_integers(plan, step)) return "";
  const PlanValue* output = output_of(plan, step);
  const auto known = output == nullptr ? reasons_.end() : reasons_.find(output->name);
  if (known != reasons_.end() && !known->second.empty()) return known->second;
  std::string form = obstacle_in_form(plan, step);
  if (!form.empty()) return form;
  return is_measured_ && known == reasons_.end() ? "no calibrated range for its input" : "its input is not quantised";
}

std::vector<double> macs_of(const EngineData& engine, const Plan& plan) {
  std::map<std::string, Shape> shapes;
  for (const auto& [name, profile] : plan.profile.inputs) shapes.emplace(name, profile.opt);
  try {
    const ResolvedShapes resolved = resolve_shapes(plan, engine.blobs, shapes);
    std::vector<double> macs;
    for (const PlanStep& step : plan.steps) {
      const Problem problem = problem_at(plan, step, resolved);
      macs.push_back(has_shapes(problem) ? step_cost(problem).flops / 2 : 0);
    }
    return macs;
  } catch (const Error&) {
    return {};  // what cannot be run can still be looked at
  }
}

}  // namespace burnish::cli
