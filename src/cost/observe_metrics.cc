#include "cost/observe_metrics.h"

#include <charconv>
#include <cmath>
#include <set>

#include "base/error.h"

namespace burnish::cost {
namespace {

constexpr double kMicrosecond = 1e-6;
constexpr double kLargestBatch = 1 << 20;
constexpr double kCountSlack = 0.95;  ///< A server may write one counter before and one after a request.

/// Of one model version; times in seconds.
struct Counters {
  double requests = 0, items = 0, executions = 0, failures = 0, rejected = 0, cache_hits = 0;
  double latency_s = 0, queue_s = 0, input_s = 0, infer_s = 0, output_s = 0, busy_s = 0;
  std::map<int, double> batches_up_to;  ///< Executions by size, cumulated as the histogram has them.
  double p99_s = 0;                     ///< No counter: of the last minute.
  std::set<std::string, std::less<>> instances;
};

struct Row {
  std::string_view metric;
  double Counters::*member;
  double unit = 1;
};
constexpr Row kRows[] = {
    {"nv_inference_request_success", &Counters::requests},
    {"nv_inference_count", &Counters::items},
    {"nv_inference_exec_count", &Counters::executions},
    {"nv_inference_request_failure", &Counters::failures},
    {"nv_cache_num_hits_per_model", &Counters::cache_hits},
    {"nv_inference_request_duration_us", &Counters::latency_s, kMicrosecond},
    {"nv_inference_queue_duration_us", &Counters::queue_s, kMicrosecond},
    {"nv_inference_compute_input_duration_us", &Counters::input_s, kMicrosecond},
    {"nv_inference_compute_infer_duration_us", &Counters::infer_s, kMicrosecond},
    {"nv_inference_compute_output_duration_us", &Counters::output_s, kMicrosecond},
    {"burnish_instance_busy_seconds_total", &Counters::busy_s},
};

void add_other(const MetricSample& sample, Counters& to) {
  if (sample.name == "nv_inference_request_summary_us" && sample.label("quantile") == "0.99") {
    to.p99_s = sample.value * kMicrosecond;
  } else if (sample.name == "burnish_batch_size_bucket") {
    const std::string_view le = sample.label("le");
    int size = 0;
    const auto [end, error] = std::from_chars(le.data(), le.data() + le.size(), size);
    if (error == std::errc() && end == le.data() + le.size()) to.batches_up_to[size] += sample.value;
  }
}

/// By "model/version".
std::map<std::string, Counters> counters_of(const std::vector<MetricSample>& samples) {
  std::map<std::string, Counters> all;
  for (const MetricSample& sample : samples) {
    const std::string_view model = sample.label("model");
    if (model.empty() || !std::isfinite(sample.value)) continue;
    const std::string_view version = sample.label("version");
    Counters& to = all[version.empty() ? std::string(model) : fmt::format("{}/{}", model, version)];
    // Triton has a row for each GPU: they add up.
    for (const Row& row : kRows) {
      if (sample.name == row.metric) to.*row.member += sample.value * row.unit;
    }
    if (sample.name == "nv_inference_request_failure" && sample.label("reason") == "REJECTED") {
      to.rejected += sample.value;
    }
    if (const std::string_view instance = sample.label("instance"); !instance.empty()) to.instances.emplace(instance);
    add_other(sample, to);
  }
  return all;
}

Counters difference(const Counters& before, const Counters& after, const std::string& name) {
  Counters d = after;
  const auto subtract = [&](double& value, double earlier, std::string_view what) {
    value -= earlier;
    check(value >= -1e-9 * earlier, ErrorCode::kInvalidArgument,
          "model '{}': {} went from {} back to {}: the server was restarted between the scrapes, or the later one was "
          "given first",
          name, what, earlier, value + earlier);
    value = std::max(value, 0.0);
  };
  for (const Row& row : kRows) subtract(d.*row.member, before.*row.member, row.metric);
  subtract(d.rejected, before.rejected, "nv_inference_request_failure");
  for (const auto& [size, count] : before.batches_up_to) {
    if (d.batches_up_to.contains(size)) subtract(d.batches_up_to[size], count, "burnish_batch_size_bucket");
  }
  return d;
}

std::map<int, double> shares_of(const std::map<int, double>& up_to, double executions) {
  std::map<int, double> shares;
  double below = 0;
  for (const auto& [size, count] : up_to) {
    if (size >= 1 && count > below) shares[size] = (count - below) / executions;
    below = std::max(below, count);
  }
  return shares;
}

Observation observation_of(const Counters& c, const std::string& name, double seconds) {
  Observation o;
  o.name = name;
  o.seconds = seconds;
  o.requests = std::max(0.0, c.requests - c.cache_hits);
  o.executions = c.executions;
  o.items = c.items;
  o.rejected = c.rejected;
  o.failed = std::max(0.0, c.failures - c.rejected);
  o.cache_hits = c.cache_hits;
  if (o.requests == 0) return o;
  const double compute_s = c.input_s + c.infer_s + c.output_s;
  // What the cache answers takes next to nothing.
  o.mean_latency_s = c.latency_s / o.requests;
  o.mean_queue_s = c.queue_s / o.requests;
  o.mean_compute_s = compute_s / o.requests;
  o.copy_share = compute_s > 0 ? (c.input_s + c.output_s) / compute_s : 0;
  if (c.p99_s > 0) o.p99_s = c.p99_s;
  if (!c.instances.empty()) {
    o.instances = static_cast<int>(c.instances.size());
    o.busy_s = c.busy_s;
    o.prepared_sizes = true;  // only Burnish tells of instances
  }
  o.batch_shares = shares_of(c.batches_up_to, c.executions);
  return o;
}

void check_observation(const Observation& o) {
  const double largest = std::max(o.mean_batch(), o.items_per_request());
  check(largest <= kLargestBatch && o.items >= kCountSlack * o.requests, ErrorCode::kInvalidArgument,
        "model '{}': nv_inference_count grew by {}, nv_inference_exec_count by {}, nv_inference_request_success by {}: "
        "these do not fit together; give two scrapes of one server",
        o.name, o.items, o.executions, o.requests);
}

}  // namespace

std::vector<Observation> observe_metrics(const std::vector<MetricSample>& before,
                                         const std::vector<MetricSample>& after, double seconds) {
  check(std::isfinite(seconds) && seconds > 0, ErrorCode::kInvalidArgument,
        "{} s lie between the scrapes: say a positive time with --interval, such as 60s", seconds);
  const std::map<std::string, Counters> earlier = counters_of(before);
  std::vector<Observation> observations;
  for (const auto& [name, counters] : counters_of(after)) {
    const auto it = earlier.find(name);
    const Counters done = difference(it == earlier.end() ? Counters() : it->second, counters, name);
    const Observation o = observation_of(done, name, seconds);
    if (o.requests < 1 || o.executions < 1 || o.mean_compute_s <= 0) continue;  // a pipeline computes nothing itself
    check_observation(o);
    observations.push_back(o);
  }
  check(
      !observations.empty(), ErrorCode::kInvalidArgument,
      "no model executed a request between the scrapes (nv_inference_request_success, nv_inference_exec_count, "
      "nv_inference_compute_infer_duration_us): scrape while there is traffic, and let more time pass with --interval");
  return observations;
}

std::optional<double> uptime_of(const std::vector<MetricSample>& scrape) {
  for (const MetricSample& sample : scrape) {
    if (sample.name == "burnish_uptime_seconds" && sample.value > 0) return sample.value;
  }
  return std::nullopt;
}

}  // namespace burnish::cost
