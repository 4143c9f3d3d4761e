#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/config_json.h"

namespace burnish::server {
namespace {

using Json = nlohmann::ordered_json;

Json tensors_to_json(const std::vector<TensorConfig>& tensors) {
  Json list = Json::array();
  for (const TensorConfig& tensor : tensors) {
    Json json = {{"name", tensor.name}, {"data_type", tensor.data_type}, {"dims", tensor.dims}};
    if (!tensor.label_filename.empty()) json["label_filename"] = tensor.label_filename;
    list.push_back(std::move(json));
  }
  return list;
}

Json to_json(const InstanceGroup& group) {
  Json json = {{"name", group.name}, {"kind", group.kind}, {"count", group.count}};
  if (!group.gpus.empty()) json["gpus"] = group.gpus;
  if (group.threads > 0) json["threads"] = group.threads;
  if (!group.cores.empty()) json["cores"] = group.cores;
  return json;
}

Json to_json(const QueuePolicy& policy) {
  return {{"timeout_action", policy.delay_on_timeout ? "DELAY" : "REJECT"},
          {"default_timeout_microseconds", policy.default_timeout_us},
          {"allow_timeout_override", policy.allow_timeout_override},
          {"max_queue_size", policy.max_queue_size}};
}

Json to_json(const DynamicBatching& batching) {
  Json json = {{"preferred_batch_size", batching.preferred_batch_size},
               {"max_queue_delay_microseconds", batching.max_queue_delay_us},
               {"preserve_ordering", batching.preserve_ordering},
               {"priority_levels", batching.priority_levels},
               {"default_priority_level", batching.default_priority_level},
               {"default_queue_policy", to_json(batching.default_queue_policy)}};
  for (const auto& [level, policy] : batching.priority_queue_policy) {
    json["priority_queue_policy"][std::to_string(level)] = to_json(policy);
  }
  return json;
}

Json to_json(const SequenceBatching::Control& control) {
  Json json = {{"kind", control.kind}};
  if (control.false_true.empty()) {
    json["data_type"] = control.data_type;
  } else if (control.data_type == "TYPE_BOOL") {
    for (const double value : control.false_true) json["bool_false_true"].push_back(value != 0);
  } else if (control.data_type == "TYPE_INT32") {
    for (const double value : control.false_true) json["int32_false_true"].push_back(static_cast<int32_t>(value));
  } else {
    json["fp32_false_true"] = control.false_true;
  }
  return json;
}

Json to_json(const SequenceBatching& batching) {
  Json json = {{"max_sequence_idle_microseconds", batching.max_sequence_idle_us}};
  for (const SequenceBatching::Control& control : batching.controls) {
    json["control_input"].push_back({{"name", control.input}, {"control", Json::array({to_json(control)})}});
  }
  for (const SequenceBatching::State& state : batching.states) {
    json["state"].push_back({{"input_name", state.input},
                             {"output_name", state.output},
                             {"data_type", state.data_type},
                             {"dims", state.dims}});
  }
  return json;
}

Json to_json(const std::vector<EnsembleStep>& steps) {
  Json list = Json::array();
  for (const EnsembleStep& step : steps) {
    list.push_back({{"model_name", step.model},
                    {"model_version", step.model_version},
                    {"input_map", step.input_map},
                    {"output_map", step.output_map}});
  }
  return {{"step", list}};
}

Json to_json(const VersionPolicy& policy) {
  switch (policy.kind) {
    case VersionPolicy::Kind::kAll:
      return {{"all", Json::object()}};
    case VersionPolicy::Kind::kSpecific:
      return {{"specific", {{"versions", policy.versions}}}};
    case VersionPolicy::Kind::kLatest:
      break;
  }
  return {{"latest", {{"num_versions", policy.num_versions}}}};
}

Json to_json(const WarmupSample& sample) {
  Json json = {{"name", sample.name}, {"batch_size", sample.batch_size}, {"count", sample.count}};
  for (const auto& [name, input] : sample.inputs) {
    Json& added = json["inputs"][name] = {{"data_type", input.data_type}, {"dims", input.dims}};
    if (!input.file.empty()) {
      added["input_data_file"] = input.file;
    } else {
      added[input.random ? "random_data" : "zero_data"] = true;
    }
  }
  return json;
}

void add_scheduling(const ModelConfig& config, Json& json) {
  if (config.dynamic_batching) json["dynamic_batching"] = to_json(*config.dynamic_batching);
  if (config.sequence_batching) json["sequence_batching"] = to_json(*config.sequence_batching);
  if (!config.ensemble.empty()) json["ensemble_scheduling"] = to_json(config.ensemble);
}

}  // namespace

std::string to_json(const ModelConfig& config) {
  Json json = {{"name", config.name},
               {"platform", config.platform},
               {"backend", config.backend},
               {"version_policy", to_json(config.version_policy)},
               {"max_batch_size", std::max(config.max_batch_size, 0)},
               {"input", tensors_to_json(config.inputs)},
               {"output", tensors_to_json(config.outputs)},
               {"instance_group", Json::array()}};
  for (const InstanceGroup& group : config.instance_groups) json["instance_group"].push_back(to_json(group));
  add_scheduling(config, json);
  for (const WarmupSample& sample : config.warmup) json["model_warmup"].push_back(to_json(sample));
  if (config.response_cache) json["response_cache"] = {{"enable", true}};
  if (!config.default_model_filename.empty()) json["default_model_filename"] = config.default_model_filename;
  for (const auto& [name, value] : config.parameters) json["parameters"][name] = {{"string_value", value}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace burnish::server
