#include <fmt/format.h>

#include "builder/profiles.h"
#include "cli/command.h"
#include "cli/describe.h"
#include "cli/dot.h"
#include "cli/json.h"
#include "cli/step_precision.h"
#include "cli/step_table.h"
#include "ops/fused.h"

namespace burnish::cli {
namespace {

const PlanValue& value_of(const Plan& plan, PlanValueId id) {
  return plan.values[static_cast<size_t>(id)];
}

std::string_view kind_name(StepKind kind) {
  switch (kind) {
    case StepKind::kView:
      return "view";
    case StepKind::kShape:
      return "shape";
    default:
      return "kernel";
  }
}

std::string_view storage_name(Storage storage) {
  switch (storage) {
    case Storage::kAlias:
      return "in place";
    case Storage::kSlice:
      return "in concat";
    default:
      return "own";
  }
}

std::string shape_text(const PlanValue& value) {
  return value.has_shape ? to_string(value.shape) : "[?]";
}

const PlanValue* first_output(const Plan& plan, const PlanStep& step) {
  return step.outputs.empty() || step.outputs.front() == kAbsent ? nullptr : &value_of(plan, step.outputs.front());
}

/// "NCHW", "NHWC" or "NCHW→NHWC"; empty for operators without a layout.
std::string layout_of(const PlanStep& step) {
  if (step.attrs.has("layout")) return step.attrs.get_string("layout", "NCHW");
  if (!is_conv_op(step.op)) return "";
  const std::string in = step.attrs.get_string("input_layout", "NCHW"),
                    out = step.attrs.get_string("output_layout", "NCHW");
  return in == out ? in : in + "→" + out;
}

Json describe_bindings(const Plan& plan, const std::vector<Binding>& bindings) {
  Json json = Json::array();
  for (const Binding& binding : bindings) {
    const PlanValue& value = value_of(plan, binding.value);
    Json shape = Json::array();
    for (const Dim& dim : value.shape) shape.push_back(dim.is_constant() ? Json(dim.value()) : Json(to_string(dim)));
    json.push_back({{"name", binding.name}, {"dtype", name_of(value.dtype)}});
    if (value.has_shape) json.back()["shape"] = shape;
  }
  return json;
}

Json describe_step(const Plan& plan, const PlanStep& step, const IntegerObstacles& obstacles) {
  Json json = {{"name", step.name}, {"op", step.op}, {"kind", kind_name(step.kind)}};
  if (!step.tactic.empty()) json.update({{"tactic", step.tactic}, {"config", step.config}});
  json["precision"] = computed_precision(plan, step);
  json["output_dtype"] = stored_precision(plan, step);
  if (const std::string reason = obstacles.of(plan, step); !reason.empty()) json["precision_reason"] = reason;
  if (const std::string layout = layout_of(step); !layout.empty()) json["layout"] = layout;
  if (const PlanValue* output = first_output(plan, step)) {
    json["output"] = shape_text(*output);
    json["storage"] = storage_name(output->storage);
  }
  json["predicted_us"] = step.predicted_us;
  return json;
}

Json describe_steps(const EngineData& engine, const Plan& plan, const IntegerObstacles& obstacles) {
  const std::vector<double> macs = macs_of(engine, plan);
  Json json = Json::array();
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    json.push_back(describe_step(plan, plan.steps[s], obstacles));
    if (!macs.empty()) json.back()["macs"] = macs[s];
  }
  return json;
}

Json describe_profile(const OptimizationProfile& profile) {
  Json json = Json::object();
  const auto dims = [](const Shape& shape) { return std::vector<int64_t>(shape.begin(), shape.end()); };
  for (const auto& [name, shapes] : profile.inputs) {
    json[name] = {{"min", dims(shapes.min)}, {"opt", dims(shapes.opt)}, {"max", dims(shapes.max)}};
  }
  return json;
}

int64_t weight_bytes(const EngineData& engine) {
  int64_t bytes = 0;
  for (const Blob& blob : engine.blobs) bytes += static_cast<int64_t>(blob.num_bytes);
  return bytes;
}

void print_steps(const Plan& plan, const IntegerObstacles& obstacles) {
  fmt::print("{:>5} {:>10}  {:<16} {:<26} {:<16} {:<10} {:<9} {:<26} {}\n", "step", "µs", "op", "tactic", "precision",
             "layout", "memory", "output", "name");
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const PlanStep& step = plan.steps[s];
    const PlanValue* output = first_output(plan, step);
    const std::string how = step.tactic.empty() ? fmt::format("({})", kind_name(step.kind))
                                                : step.tactic + (step.config.empty() ? "" : " " + step.config);
    const std::string reason = obstacles.of(plan, step);
    fmt::print("{:>5} {:>10.1f}  {:<16} {:<26} {:<16} {:<10} {:<9} {:<26} {}{}\n", s, step.predicted_us,
               shorten(step.op, 16), shorten(how, 26), precision_text(plan, step), layout_of(step),
               output == nullptr ? "" : storage_name(output->storage), output == nullptr ? "" : shape_text(*output),
               printable(shorten(step.name, 70)),
               reason.empty() ? "" : fmt::format("  (not int8: {})", printable(reason)));
  }
}

void print_metadata(const EngineData& engine) {
  for (const auto& [key, value] : engine.metadata) {
    const bool is_report = key == "accuracy.report";
    if (!value.empty())
      fmt::print("  {:<34} {}\n", printable(key), is_report ? "shown by --accuracy" : printable(value));
  }
}

}  // namespace

Json describe_engine(const EngineData& engine) {
  const IntegerObstacles obstacles(engine);
  Json json = {{"kind", "engine"},
               {"target",
                {{"kind", engine.target_kind}, {"isa", engine.target_isa}, {"fingerprint", engine.target_fingerprint}}},
               {"metadata", engine.metadata},
               {"inputs", describe_bindings(engine.plans.front(), engine.plans.front().inputs)},
               {"outputs", describe_bindings(engine.plans.front(), engine.plans.front().outputs)},
               {"weight_bytes", weight_bytes(engine)},
               {"plans", Json::array()}};
  for (const Plan& plan : engine.plans) {
    json["plans"].push_back({{"profile", describe_profile(plan.profile)},
                             {"predicted_us", plan.predicted_us},
                             {"predicted_arena_bytes", plan.predicted_arena_bytes},
                             {"steps", describe_steps(engine, plan, obstacles)}});
  }
  return json;
}

void print_engine(const EngineData& engine) {
  fmt::print("engine for {} ({})\n", engine.target_kind, engine.target_fingerprint);
  print_metadata(engine);
  const Plan& first = engine.plans.front();
  for (const Binding& b : first.inputs) {
    fmt::print("input   {}: {} {}\n", printable(b.name), name_of(value_of(first, b.value).dtype),
               shape_text(value_of(first, b.value)));
  }
  for (const Binding& b : first.outputs) {
    fmt::print("output  {}: {} {}\n", printable(b.name), name_of(value_of(first, b.value).dtype),
               shape_text(value_of(first, b.value)));
  }
  fmt::print("weights {:.1f} MB in {} blobs\n", static_cast<double>(weight_bytes(engine)) / 1e6, engine.blobs.size());
  const IntegerObstacles obstacles(engine);
  for (size_t i = 0; i < engine.plans.size(); ++i) {
    const Plan& plan = engine.plans[i];
    fmt::print("\nprofile {}: {}\n  {} steps, predicted {:.3f} ms at opt shapes, {:.1f} MB arena at max shapes\n", i,
               to_string(plan.profile), plan.steps.size(), plan.predicted_us / 1e3,
               static_cast<double>(plan.predicted_arena_bytes) / 1e6);
    print_steps(plan, obstacles);
  }
}

std::string dot_of(const EngineData& engine) {
  const Plan& plan = engine.plans.front();
  DotWriter dot("engine");
  std::vector<std::string> made_by(plan.values.size());
  for (const Binding& input : plan.inputs) {
    made_by[static_cast<size_t>(input.value)] = fmt::format("v{}", input.value);
    dot.terminal(made_by[static_cast<size_t>(input.value)], input.name);
  }
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const PlanStep& step = plan.steps[s];
    const std::string id = fmt::format("s{}", s);
    dot.box(id, fmt::format("{}\n{}\n{:.1f} µs", step.op, step.tactic.empty() ? kind_name(step.kind) : step.tactic,
                            step.predicted_us));
    for (const PlanValueId v : step.inputs) {
      if (v != kAbsent && !made_by[static_cast<size_t>(v)].empty()) {
        dot.arrow(made_by[static_cast<size_t>(v)], id, shape_text(value_of(plan, v)));
      }
    }
    for (const PlanValueId v : step.outputs) {
      if (v != kAbsent) made_by[static_cast<size_t>(v)] = id;
    }
  }
  for (size_t i = 0; i < plan.outputs.size(); ++i) {
    const std::string id = fmt::format("o{}", i);
    dot.terminal(id, plan.outputs[i].name);
    const std::string& from = made_by[static_cast<size_t>(plan.outputs[i].value)];
    if (!from.empty()) dot.arrow(from, id, shape_text(value_of(plan, plan.outputs[i].value)));
  }
  return dot.finish();
}

}  // namespace burnish::cli
