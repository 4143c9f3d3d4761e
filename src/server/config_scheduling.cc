#include "server/config_scheduling.h"

namespace burnish::server {
namespace {

QueuePolicy parse_queue_policy(const Json& json, const std::string& path, Notes notes) {
  Fields fields(json, path);
  QueuePolicy policy;
  std::string action = "REJECT";
  fields.get("timeout_action", action);
  if (action != "REJECT" && action != "DELAY") {
    refuse_field(fields.path_of("timeout_action"), "'{}' is neither REJECT nor DELAY", action);
  }
  policy.delay_on_timeout = action == "DELAY";
  fields.get("default_timeout_microseconds", policy.default_timeout_us);
  fields.get("allow_timeout_override", policy.allow_timeout_override);
  fields.get("max_queue_size", policy.max_queue_size);
  fields.finish({}, notes);
  return policy;
}

void parse_controls(const Json& json, const std::string& path, Notes notes, SequenceBatching& batching) {
  Fields input(json, path);
  std::string name;
  input.get("name", name);
  if (name.empty()) refuse_field(path, "name is missing");
  input.each("control", [&](const Json& element, const std::string& at) {
    Fields fields(element, at);
    SequenceBatching::Control control{name, {}, {}, {}};
    fields.get("kind", control.kind);
    fields.get("data_type", control.data_type);
    for (const auto* values : {"int32_false_true", "fp32_false_true"}) {
      if (fields.find(values) == nullptr) continue;
      fields.get(values, control.false_true);
      control.data_type = *values == 'i' ? "TYPE_INT32" : "TYPE_FP32";
    }
    std::vector<bool> flags;
    fields.each("bool_false_true", [&](const Json& flag, const std::string& where) {
      bool value = false;
      read_value(flag, where, value);
      control.false_true.push_back(value ? 1 : 0);
      control.data_type = "TYPE_BOOL";
    });
    fields.finish({}, notes);
    batching.controls.push_back(std::move(control));
  });
  input.finish({}, notes);
}

void parse_tensor_map(Fields& fields, std::string_view name, std::map<std::string, std::string>& map) {
  fields.each_entry(name, [&](const std::string& key, const Json& value, const std::string& path) {
    read_value(value, path, map[key]);
  });
}

}  // namespace

DynamicBatching parse_dynamic_batching(const Json& json, const std::string& path, Notes notes) {
  Fields fields(json, path);
  DynamicBatching batching;
  fields.get("preferred_batch_size", batching.preferred_batch_size);
  fields.get("max_queue_delay_microseconds", batching.max_queue_delay_us);
  fields.get("preserve_ordering", batching.preserve_ordering);
  fields.get("priority_levels", batching.priority_levels);
  fields.get("default_priority_level", batching.default_priority_level);
  if (const Json* policy = fields.find("default_queue_policy")) {
    batching.default_queue_policy = parse_queue_policy(*policy, fields.path_of("default_queue_policy"), notes);
  }
  fields.each_entry("priority_queue_policy", [&](const std::string& key, const Json& value, const std::string& at) {
    uint32_t level = 0;
    read_value(Json(key), at, level);
    batching.priority_queue_policy[level] = parse_queue_policy(value, at, notes);
  });
  fields.finish({}, notes);
  return batching;
}

SequenceBatching parse_sequence_batching(const Json& json, const std::string& path, Notes notes) {
  Fields fields(json, path);
  SequenceBatching batching;
  fields.get("max_sequence_idle_microseconds", batching.max_sequence_idle_us);
  fields.each("control_input",
              [&](const Json& input, const std::string& at) { parse_controls(input, at, notes, batching); });
  fields.each("state", [&](const Json& element, const std::string& at) {
    Fields state(element, at);
    SequenceBatching::State& added = batching.states.emplace_back();
    state.get("input_name", added.input);
    state.get("output_name", added.output);
    state.get("data_type", added.data_type);
    state.get("dims", added.dims);
    if (state.find("initial_state") != nullptr) refuse_unsupported(at + ".initial_state", "states begin as zeros");
    state.finish({"use_same_buffer_for_input_output", "use_growable_memory"}, notes);
  });
  if (fields.find("iterative_sequence") != nullptr) refuse_unsupported(path + ".iterative_sequence", "leave it out");
  fields.finish({"direct", "oldest"}, notes);
  return batching;
}

std::vector<EnsembleStep> parse_ensemble(const Json& json, const std::string& path, Notes notes) {
  Fields fields(json, path);
  std::vector<EnsembleStep> steps;
  fields.each("step", [&](const Json& element, const std::string& at) {
    Fields step(element, at);
    EnsembleStep& added = steps.emplace_back();
    step.get("model_name", added.model);
    if (added.model.empty()) refuse_field(at, "model_name is missing");
    step.get("model_version", added.model_version);
    parse_tensor_map(step, "input_map", added.input_map);
    parse_tensor_map(step, "output_map", added.output_map);
    step.finish({"model_namespace"}, notes);
  });
  if (steps.empty()) refuse_field(path, "a pipeline has at least one step");
  fields.finish({"max_inflight_requests"}, notes);
  return steps;
}

}  // namespace burnish::server
