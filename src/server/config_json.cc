#include "server/config_json.h"

#include <algorithm>
#include <charconv>

#include "server/config_scheduling.h"

namespace burnish::server {
namespace {

/// "16,32,64" of a parameter.
template <typename T>
std::vector<T> parse_numbers(const std::string& text, const std::string& path) {
  std::vector<T> numbers;
  const char* at = text.data();
  const char* const last = at + text.size();
  while (at < last) {
    const auto [end, error] = std::from_chars(at, last, numbers.emplace_back());
    if (error != std::errc() || (end != last && *end != ',')) refuse_field(path, "'{}' is no list like 16,32,64", text);
    at = end + (end != last ? 1 : 0);
  }
  return numbers;
}

TensorConfig parse_tensor(const Json& json, const std::string& path, Notes notes) {
  Fields fields(json, path);
  TensorConfig tensor;
  fields.get("name", tensor.name);
  if (tensor.name.empty()) refuse_field(path, "name is missing");
  fields.get("data_type", tensor.data_type);
  fields.get("dims", tensor.dims);
  fields.get("label_filename", tensor.label_filename);
  if (fields.find("reshape") != nullptr) {
    refuse_unsupported(fields.path_of("reshape"), "give dims as the model has them");
  }
  refuse_if_true(fields, "optional", "every input must be sent");
  refuse_if_true(fields, "allow_ragged_batch", "use the parameter length_buckets");
  fields.finish({"format", "is_shape_tensor", "is_non_linear_format_io"}, notes);
  return tensor;
}

InstanceGroup parse_group(const Json& json, const std::string& path, Notes notes) {
  Fields fields(json, path);
  InstanceGroup group;
  fields.get("name", group.name);
  fields.get("kind", group.kind);
  fields.get("count", group.count);
  fields.get("gpus", group.gpus);
  fields.get("threads", group.threads);
  fields.get("cores", group.cores);
  if (group.kind != "KIND_AUTO" && group.kind != "KIND_CPU" && group.kind != "KIND_GPU") {
    refuse_field(fields.path_of("kind"), "'{}' is none of KIND_AUTO, KIND_CPU, KIND_GPU", group.kind);
  }
  if (group.count < 0 || group.count > 1024) refuse_field(fields.path_of("count"), "0 to 1024 are possible");
  if (group.threads < 0 || group.threads > 4096) refuse_field(fields.path_of("threads"), "0 to 4096 are possible");
  if (std::ranges::any_of(group.cores, [](int core) { return core < 0; })) {
    refuse_field(fields.path_of("cores"), "cores are counted from 0");
  }
  refuse_if_true(fields, "passive", "leave it out");
  fields.finish({"rate_limiter", "profile", "host_policy", "secondary_devices"}, notes);
  return group;
}

VersionPolicy parse_version_policy(const Json& json, const std::string& path, Notes notes) {
  Fields fields(json, path);
  VersionPolicy policy;
  if (const Json* latest = fields.find("latest")) {
    Fields inner(*latest, fields.path_of("latest"));
    inner.get("num_versions", policy.num_versions);
    if (policy.num_versions == 0) refuse_field(inner.path_of("num_versions"), "at least 1 is wanted");
    inner.finish({}, notes);
  }
  if (fields.find("all") != nullptr) policy.kind = VersionPolicy::Kind::kAll;
  if (const Json* specific = fields.find("specific")) {
    policy.kind = VersionPolicy::Kind::kSpecific;
    Fields inner(*specific, fields.path_of("specific"));
    inner.get("versions", policy.versions);
    if (policy.versions.empty()) refuse_field(inner.path_of("versions"), "at least one version is wanted");
    inner.finish({}, notes);
  }
  fields.finish({}, notes);
  return policy;
}

WarmupSample::Input parse_warmup_input(const Json& json, const std::string& path, Notes notes) {
  Fields fields(json, path);
  WarmupSample::Input input;
  bool zero = false;
  fields.get("data_type", input.data_type);
  fields.get("dims", input.dims);
  fields.get("zero_data", zero);
  fields.get("random_data", input.random);
  fields.get("input_data_file", input.file);
  fields.finish({}, notes);
  return input;
}

WarmupSample parse_warmup(const Json& json, const std::string& path, Notes notes) {
  Fields fields(json, path);
  WarmupSample sample;
  fields.get("name", sample.name);
  fields.get("batch_size", sample.batch_size);
  fields.get("count", sample.count);
  fields.each_entry("inputs", [&](const std::string& key, const Json& value, const std::string& at) {
    sample.inputs[key] = parse_warmup_input(value, at, notes);
  });
  fields.finish({}, notes);
  return sample;
}

void parse_parameters(Fields& fields, Notes notes, std::map<std::string, std::string>& parameters) {
  fields.each_entry("parameters", [&](const std::string& key, const Json& value, const std::string& path) {
    if (value.is_string()) {
      parameters[key] = value.get<std::string>();
      return;
    }
    Fields inner(value, path);
    inner.get("string_value", parameters[key]);
    inner.finish({}, notes);
  });
}

/// What parameters say of instances and batches.
void apply_parameters(ModelConfig& config) {
  const auto find = [&](const char* name) -> const std::string* {
    const auto found = config.parameters.find(name);
    return found == config.parameters.end() ? nullptr : &found->second;
  };
  const std::string* threads = find("threads");
  const std::string* cores = find("cores");
  if ((threads != nullptr || cores != nullptr) && config.instance_groups.empty()) config.instance_groups.emplace_back();
  for (InstanceGroup& group : config.instance_groups) {
    if (threads != nullptr && group.threads == 0) {
      const auto numbers = parse_numbers<int>(*threads, "parameters['threads']");
      if (numbers.size() != 1 || numbers[0] < 1) refuse_field("parameters['threads']", "one positive number is wanted");
      group.threads = numbers[0];
    }
    if (cores != nullptr && group.cores.empty()) group.cores = parse_numbers<int>(*cores, "parameters['cores']");
  }
  if (const std::string* buckets = find("length_buckets")) {
    if (!config.dynamic_batching) config.dynamic_batching.emplace();
    auto& bounds = config.dynamic_batching->length_buckets;
    bounds = parse_numbers<int64_t>(*buckets, "parameters['length_buckets']");
    std::ranges::sort(bounds);
    if (!bounds.empty() && bounds[0] < 1) refuse_field("parameters['length_buckets']", "lengths are positive");
  }
}

/// The scheduler: one of three, or none.
void parse_scheduling(Fields& fields, Notes notes, ModelConfig& config) {
  if (const Json* json = fields.find("dynamic_batching")) {
    config.dynamic_batching = parse_dynamic_batching(*json, "dynamic_batching", notes);
  }
  if (const Json* json = fields.find("sequence_batching")) {
    config.sequence_batching = parse_sequence_batching(*json, "sequence_batching", notes);
  }
  if (const Json* json = fields.find("ensemble_scheduling")) {
    config.ensemble = parse_ensemble(*json, "ensemble_scheduling", notes);
  }
  const int given =
      (config.dynamic_batching ? 1 : 0) + (config.sequence_batching ? 1 : 0) + (config.ensemble.empty() ? 0 : 1);
  if (given > 1) {
    refuse_field("the configuration", "dynamic_batching, sequence_batching and ensemble_scheduling exclude each other");
  }
}

void parse_transactions(Fields& fields, Notes notes) {
  const Json* json = fields.find("model_transaction_policy");
  if (json == nullptr) return;
  Fields policy(*json, "model_transaction_policy");
  refuse_if_true(policy, "decoupled", "an engine answers each request once");
  policy.finish({}, notes);
}

void parse_response_cache(Fields& fields, Notes notes, ModelConfig& config) {
  const Json* json = fields.find("response_cache");
  if (json == nullptr) return;
  Fields cache(*json, "response_cache");
  cache.get("enable", config.response_cache);
  cache.finish({}, notes);
}

void parse_top(Fields& fields, Notes notes, ModelConfig& config) {
  fields.get("name", config.name);
  fields.get("platform", config.platform);
  fields.get("backend", config.backend);
  fields.get("max_batch_size", config.max_batch_size);
  if (fields.find("max_batch_size") != nullptr && config.max_batch_size < 0) {
    refuse_field("max_batch_size", "0 or more is wanted");
  }
  fields.get("default_model_filename", config.default_model_filename);
  fields.each("input",
              [&](const Json& j, const std::string& at) { config.inputs.push_back(parse_tensor(j, at, notes)); });
  fields.each("output",
              [&](const Json& j, const std::string& at) { config.outputs.push_back(parse_tensor(j, at, notes)); });
  fields.each("instance_group", [&](const Json& j, const std::string& at) {
    config.instance_groups.push_back(parse_group(j, at, notes));
  });
  if (const Json* policy = fields.find("version_policy")) {
    config.version_policy = parse_version_policy(*policy, "version_policy", notes);
  }
  fields.each("model_warmup",
              [&](const Json& j, const std::string& at) { config.warmup.push_back(parse_warmup(j, at, notes)); });
}

}  // namespace

ModelConfig parse_config_json(std::string_view text, std::vector<std::string>* notes) {
  Json json;
  try {
    json = Json::parse(text);
  } catch (const Json::exception& error) {
    throw_error(ErrorCode::kInvalidArgument, "the configuration is no JSON: {}", error.what());
  }
  Fields fields(json, {});
  ModelConfig config;
  parse_top(fields, notes, config);
  parse_scheduling(fields, notes, config);
  parse_transactions(fields, notes);
  parse_response_cache(fields, notes, config);
  parse_parameters(fields, notes, config.parameters);
  fields.finish({"optimization", "runtime", "cc_model_filenames", "metric_tags", "batch_input", "batch_output",
                 "model_operations", "model_repository_agents", "model_metrics"},
                notes);
  apply_parameters(config);
  return config;
}

}  // namespace burnish::server
