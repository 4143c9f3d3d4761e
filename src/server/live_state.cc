#include "server/live_state.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace burnish::server {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kNsPerUs = 1000;

Json quantiles(const Histogram& histogram) {
  return {{"p50", histogram.quantile_ns(0.5) / kNsPerUs},
          {"p90", histogram.quantile_ns(0.9) / kNsPerUs},
          {"p99", histogram.quantile_ns(0.99) / kNsPerUs}};
}

std::string device_of(const InstanceState& instance) {
  if (instance.gpu >= 0) return fmt::format("GPU {}", instance.gpu);
  const std::string threads = fmt::format("{} thread{}", instance.threads, instance.threads == 1 ? "" : "s");
  if (instance.cores.empty()) return fmt::format("CPU, {}", threads);
  return fmt::format("CPU {}, {}", fmt::join(instance.cores, " "), threads);
}

Json instances(const VersionState& state) {
  Json list = Json::array();
  for (const InstanceState& instance : state.instances) {
    list.push_back(
        {{"name", instance.name}, {"device", device_of(instance)}, {"busy_us", instance.busy_ns / kNsPerUs}});
  }
  return list;
}

Json batch_sizes(const VersionState& state) {
  Json list = Json::array();
  for (const BatchStatistics& batch : state.statistics.batches) {
    list.push_back({{"size", batch.batch_size}, {"count", batch.infer.count}});
  }
  return list;
}

void add_figures(const VersionState& state, Json& json) {
  const Rejections& r = state.rejections;
  json["requests"] = state.statistics.success.count + state.statistics.fail.count;
  json["failures"] = state.statistics.fail.count;
  json["rejected"] = r.queue_full + r.timed_out + r.too_late + r.draining;
  json["inferences"] = state.statistics.inference_count;
  json["executions"] = state.statistics.execution_count;
  json["queue_depth"] = state.pending;
  json["latency_us"] = {{"queue", quantiles(state.queue.recent)},
                        {"compute", quantiles(state.compute.recent)},
                        {"total", quantiles(state.total.recent)}};
  json["batch_sizes"] = batch_sizes(state);
  json["instances"] = instances(state);
}

}  // namespace

std::string live_state_json(const Snapshot& snapshot, Advisor& advisor, std::chrono::steady_clock::time_point now) {
  Json models = Json::array();
  for (const Snapshot::Model& model : snapshot.models) {
    const IndexEntry& entry = model.entry;
    Json json = {{"name", entry.name}, {"version", entry.version}, {"state", entry.state}, {"reason", entry.reason}};
    if (entry.state == "READY") {
      add_figures(model.state, json);
      json["advice"] = advisor.advise(model, now);
    }
    models.push_back(std::move(json));
  }
  advisor.forget_others(snapshot);
  const Json json = {{"name", snapshot.name},
                     {"version", snapshot.version},
                     {"ready", snapshot.ready},
                     {"time_us", snapshot.time_us},
                     {"uptime_us", snapshot.uptime_us},
                     {"memory_bytes", snapshot.memory_bytes},
                     {"connections", snapshot.connections},
                     {"models", std::move(models)},
                     {"advice", server_advice(snapshot)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace burnish::server
