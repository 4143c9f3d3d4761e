#include "cost/server_answers.h"

#include <nlohmann/json.hpp>

namespace burnish::cost {
namespace {

using Json = nlohmann::json;

constexpr int kMost = 1 << 20;

/// Of a size or a count; none where there is no such number.
std::optional<int> count_of(const Json& json, const char* key) {
  if (!json.is_object() || !json.contains(key) || !json[key].is_number_integer()) return std::nullopt;
  const auto value = json[key].get<int64_t>();
  return value >= 0 && value <= kMost ? std::optional(static_cast<int>(value)) : std::nullopt;
}

/// Adds a stage's time to the executions'.
void add_stage(const Json& batch, const char* stage, Observation::Time& time) {
  if (!batch.contains(stage) || !batch[stage].is_object()) return;
  time.seconds += batch[stage].value("ns", 0.0) / 1e9;
  time.executions = std::max(time.executions, batch[stage].value("count", 0.0));
}

void add_batch(const Json& batch, std::map<int, Observation::Time>& times) {
  const auto size = count_of(batch, "batch_size");
  if (!size || *size < 1) return;
  Observation::Time time;
  add_stage(batch, "busy", time);
  if (time.executions < 1) {
    for (const char* stage : {"compute_input", "compute_infer", "compute_output"}) add_stage(batch, stage, time);
  }
  if (!(time.executions >= 1 && time.seconds > 0)) return;
  time.seconds /= time.executions;
  times[*size] = time;
}

}  // namespace

std::optional<ServingSettings> read_serving_config(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  const auto max_batch = count_of(json, "max_batch_size");
  if (!max_batch || !json.contains("instance_group") || !json["instance_group"].is_array()) return std::nullopt;
  ServingSettings settings{.instances = 0};
  for (const Json& group : json["instance_group"]) settings.instances += count_of(group, "count").value_or(1);
  settings.instances = std::max(settings.instances, 1);
  if (!json.contains("dynamic_batching") || *max_batch < 2) return settings;
  settings.max_batch = *max_batch;
  settings.queue_delay_s = count_of(json["dynamic_batching"], "max_queue_delay_microseconds").value_or(0) * 1e-6;
  return settings;
}

std::map<int, Observation::Time> read_batch_times(std::string_view text) try {
  std::map<int, Observation::Time> times;
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("model_stats") || !json["model_stats"].is_array()) return times;
  for (const Json& model : json["model_stats"]) {
    const Json batches = model.value("batch_stats", Json::array());
    for (const Json& batch : batches) add_batch(batch, times);
  }
  return times;
} catch (const Json::exception&) {  // a type that nobody expects
  return {};
}

}  // namespace burnish::cost
