#include "server/metrics_text.h"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <span>

namespace burnish::server {
namespace {

using Out = std::back_insert_iterator<std::string>;
using Model = Snapshot::Model;

constexpr double kNsPerUs = 1e3, kNsPerSecond = 1e9;

// Of the latency histograms, in nanoseconds: ten microseconds to ten seconds.
constexpr std::array<uint64_t, 19> kLatencyBounds = {
    10'000,      20'000,        50'000,        100'000,       200'000,       500'000,     1'000'000,
    2'000'000,   5'000'000,     10'000'000,    20'000'000,    50'000'000,    100'000'000, 200'000'000,
    500'000'000, 1'000'000'000, 2'000'000'000, 5'000'000'000, 10'000'000'000};
constexpr std::array<uint64_t, 11> kBatchBounds = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
constexpr std::array<double, 3> kQuantiles = {0.5, 0.9, 0.99};

/// As a label's value.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    c == '\n' ? out.append("\\n") : out.append(1, c);
  }
  return out;
}

std::string labels(const Model& model) {
  return fmt::format("model=\"{}\",version=\"{}\"", escaped(model.entry.name), escaped(model.entry.version));
}

void head(Out out, std::string_view name, std::string_view type, std::string_view help) {
  fmt::format_to(out, "# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
}

/// One number a model version.
struct Family {
  const char *name, *type, *help;
  double (*value)(const VersionState& state);
};

double microseconds(const DurationStatistics& duration) {
  return static_cast<double>(duration.ns) / kNsPerUs;
}

const Family kFamilies[] = {
    {"nv_inference_request_success", "counter", "Requests that were answered",
     [](const VersionState& s) { return static_cast<double>(s.statistics.success.count); }},
    {"nv_inference_count", "counter", "Inferences: a request of a batch of n counts n times; the cache's do not count",
     [](const VersionState& s) { return static_cast<double>(s.statistics.inference_count); }},
    {"nv_inference_exec_count", "counter", "Executions of the model: a batch counts once",
     [](const VersionState& s) { return static_cast<double>(s.statistics.execution_count); }},
    {"nv_inference_request_duration_us", "counter", "Time from a request's arrival to its answer, summed",
     [](const VersionState& s) { return microseconds(s.statistics.success); }},
    {"nv_inference_queue_duration_us", "counter", "Time that requests waited, summed",
     [](const VersionState& s) { return microseconds(s.statistics.queue); }},
    {"nv_inference_compute_input_duration_us", "counter", "Time to gather the inputs, summed over requests",
     [](const VersionState& s) { return microseconds(s.statistics.compute_input); }},
    {"nv_inference_compute_infer_duration_us", "counter", "Time to execute, summed over requests",
     [](const VersionState& s) { return microseconds(s.statistics.compute_infer); }},
    {"nv_inference_compute_output_duration_us", "counter", "Time to hand out the outputs, summed over requests",
     [](const VersionState& s) { return microseconds(s.statistics.compute_output); }},
    {"nv_inference_pending_request_count", "gauge", "Requests that wait",
     [](const VersionState& s) { return static_cast<double>(s.pending); }},
    {"nv_cache_num_hits_per_model", "counter", "Requests that the response cache answered",
     [](const VersionState& s) { return static_cast<double>(s.statistics.cache_hit.count); }},
    {"nv_cache_num_misses_per_model", "counter", "Requests that were looked up in the response cache in vain",
     [](const VersionState& s) { return static_cast<double>(s.statistics.cache_miss.count); }},
    {"nv_cache_hit_duration_per_model", "counter", "Time to answer from the response cache, in microseconds, summed",
     [](const VersionState& s) { return microseconds(s.statistics.cache_hit); }},
    {"nv_cache_miss_duration_per_model", "counter",
     "Time to look up in vain and to store the answer, in microseconds, summed",
     [](const VersionState& s) { return microseconds(s.statistics.cache_miss); }},
    {"burnish_executing_requests", "gauge", "Requests that are being executed",
     [](const VersionState& s) { return static_cast<double>(s.executing); }},
};

/// Requests that failed, by Triton's reasons.
struct Failure {
  const char* reason;
  uint64_t (*count)(const VersionState& state);
};

uint64_t rejected(const VersionState& s) {
  return s.rejections.queue_full + s.rejections.timed_out + s.rejections.too_late + s.rejections.draining;
}
uint64_t not_executed(const VersionState& s) {
  return rejected(s) + s.rejections.cancelled + s.rejections.invalid;
}

const Failure kFailures[] = {
    {"REJECTED", rejected},
    {"CANCELED", [](const VersionState& s) { return s.rejections.cancelled; }},
    {"BACKEND",
     [](const VersionState& s) {
       return s.statistics.fail.count - std::min(s.statistics.fail.count, not_executed(s));
     }},
    {"OTHER", [](const VersionState& s) { return s.rejections.invalid; }},
};

const Failure kRejections[] = {
    {"invalid", [](const VersionState& s) { return s.rejections.invalid; }},
    {"queue_full", [](const VersionState& s) { return s.rejections.queue_full; }},
    {"timed_out", [](const VersionState& s) { return s.rejections.timed_out; }},
    {"too_late", [](const VersionState& s) { return s.rejections.too_late; }},
    {"cancelled", [](const VersionState& s) { return s.rejections.cancelled; }},
    {"draining", [](const VersionState& s) { return s.rejections.draining; }},
};

struct Stage {
  const char *name, *histogram, *summary;
  const Latency& (*of)(const VersionState& state);
};
const Stage kStages[] = {
    {"queue", "burnish_queue_duration_seconds", "nv_inference_queue_summary_us",
     [](const VersionState& s) -> const Latency& { return s.queue; }},
    {"compute", "burnish_compute_duration_seconds", "burnish_compute_summary_us",
     [](const VersionState& s) -> const Latency& { return s.compute; }},
    {"total", "burnish_request_duration_seconds", "nv_inference_request_summary_us",
     [](const VersionState& s) -> const Latency& { return s.total; }},
};

void write_families(const std::vector<const Model*>& models, Out out) {
  for (const Family& family : kFamilies) {
    head(out, family.name, family.type, family.help);
    for (const Model* model : models) {
      fmt::format_to(out, "{}{{{}}} {}\n", family.name, labels(*model), family.value(model->state));
    }
  }
}

void write_reasons(std::string_view name, std::string_view help, std::span<const Failure> reasons,
                   const std::vector<const Model*>& models, Out out) {
  head(out, name, "counter", help);
  for (const Model* model : models) {
    for (const Failure& row : reasons) {
      fmt::format_to(out, "{}{{{},reason=\"{}\"}} {}\n", name, labels(*model), row.reason, row.count(model->state));
    }
  }
}

void write_histogram(const Stage& stage, const std::vector<const Model*>& models, Out out) {
  head(out, stage.histogram, "histogram", fmt::format("Of requests: {}", stage.name));
  for (const Model* model : models) {
    const Histogram& all = stage.of(model->state).all;
    const std::string l = labels(*model);
    for (const uint64_t bound : kLatencyBounds) {
      fmt::format_to(out, "{}_bucket{{{},le=\"{}\"}} {}\n", stage.histogram, l,
                     static_cast<double>(bound) / kNsPerSecond, all.count_up_to(bound));
    }
    fmt::format_to(out, "{0}_bucket{{{1},le=\"+Inf\"}} {2}\n{0}_sum{{{1}}} {3}\n{0}_count{{{1}}} {2}\n",
                   stage.histogram, l, all.count(), static_cast<double>(all.sum_ns()) / kNsPerSecond);
  }
}

/// Quantiles of about the last minute, as Triton's summaries.
void write_summary(const Stage& stage, const std::vector<const Model*>& models, Out out) {
  head(out, stage.summary, "summary", fmt::format("Of requests of the last minute: {}", stage.name));
  for (const Model* model : models) {
    const Latency& latency = stage.of(model->state);
    const std::string l = labels(*model);
    for (const double q : kQuantiles) {
      fmt::format_to(out, "{}{{{},quantile=\"{}\"}} {}\n", stage.summary, l, q,
                     static_cast<double>(latency.recent.quantile_ns(q)) / kNsPerUs);
    }
    fmt::format_to(out, "{0}_sum{{{1}}} {2}\n{0}_count{{{1}}} {3}\n", stage.summary, l,
                   static_cast<double>(latency.all.sum_ns()) / kNsPerUs, latency.all.count());
  }
}

void write_batches(const std::vector<const Model*>& models, Out out) {
  constexpr std::string_view kName = "burnish_batch_size";
  head(out, kName, "histogram", "Items that were executed together");
  for (const Model* model : models) {
    const std::string l = labels(*model);
    uint64_t executions = 0, items = 0;
    for (const BatchStatistics& batch : model->state.statistics.batches) {
      executions += batch.infer.count;
      items += batch.infer.count * batch.batch_size;
    }
    for (const uint64_t bound : kBatchBounds) {
      uint64_t count = 0;
      for (const BatchStatistics& batch : model->state.statistics.batches) {
        if (batch.batch_size <= bound) count += batch.infer.count;
      }
      fmt::format_to(out, "{}_bucket{{{},le=\"{}\"}} {}\n", kName, l, bound, count);
    }
    fmt::format_to(out, "{0}_bucket{{{1},le=\"+Inf\"}} {2}\n{0}_sum{{{1}}} {3}\n{0}_count{{{1}}} {2}\n", kName, l,
                   executions, items);
  }
}

/// One number an instance.
struct InstanceFamily {
  const char *name, *type, *help;
  double (*value)(const VersionState& state, const InstanceState& instance);
};
const InstanceFamily kInstanceFamilies[] = {
    {"burnish_instance_busy_seconds_total", "counter", "Time that the instance worked",
     [](const VersionState&, const InstanceState& i) { return static_cast<double>(i.busy_ns) / kNsPerSecond; }},
    {"burnish_instance_executions_total", "counter", "Executions of the instance",
     [](const VersionState&, const InstanceState& i) { return static_cast<double>(i.executions); }},
    {"burnish_instance_utilization", "gauge", "Share of its life that the instance worked, 0 to 1",
     [](const VersionState& s, const InstanceState& i) {
       return s.alive_ns == 0 ? 0.0 : static_cast<double>(i.busy_ns) / static_cast<double>(s.alive_ns);
     }},
};

void write_instances(const std::vector<const Model*>& models, Out out) {
  for (const InstanceFamily& family : kInstanceFamilies) {
    head(out, family.name, family.type, family.help);
    for (const Model* model : models) {
      for (const InstanceState& instance : model->state.instances) {
        fmt::format_to(out, "{}{{{},instance=\"{}\"}} {}\n", family.name, labels(*model), escaped(instance.name),
                       family.value(model->state, instance));
      }
    }
  }
}

/// One number a GPU, as Triton has them.
struct GpuFamily {
  const char *name, *type, *help;
  std::optional<double> cuda::GpuReading::*value;
};
const GpuFamily kGpuFamilies[] = {
    {"nv_gpu_utilization", "gauge", "Share of the last moments in which the GPU worked, 0 to 1",
     &cuda::GpuReading::utilization},
    {"nv_gpu_memory_total_bytes", "gauge", "Memory of the GPU", &cuda::GpuReading::memory_total_bytes},
    {"nv_gpu_memory_used_bytes", "gauge", "Used memory of the GPU, by all processes",
     &cuda::GpuReading::memory_used_bytes},
    {"nv_gpu_power_usage", "gauge", "Watts that the GPU takes", &cuda::GpuReading::power_watts},
    {"nv_gpu_power_limit", "gauge", "Watts that the GPU may take", &cuda::GpuReading::power_limit_watts},
    {"nv_energy_consumption", "counter", "Joules that the GPU has taken", &cuda::GpuReading::energy_joules},
};

void write_gpus(const std::vector<cuda::GpuReading>& gpus, Out out) {
  for (const GpuFamily& family : kGpuFamilies) {
    if (!gpus.empty()) head(out, family.name, family.type, family.help);
    for (const cuda::GpuReading& gpu : gpus) {
      const std::optional<double>& value = gpu.*family.value;
      if (value) fmt::format_to(out, "{}{{gpu_uuid=\"{}\"}} {}\n", family.name, escaped(gpu.uuid), *value);
    }
  }
}

void write_server(const Snapshot& snapshot, Out out) {
  head(out, "burnish_ready", "gauge", "1 when the server is ready");
  fmt::format_to(out, "burnish_ready {}\n", snapshot.ready ? 1 : 0);
  head(out, "burnish_connections", "gauge", "Open connections");
  fmt::format_to(out, "burnish_connections {}\n", snapshot.connections);
  head(out, "burnish_uptime_seconds", "gauge", "Time since the server started");
  fmt::format_to(out, "burnish_uptime_seconds {}\n", static_cast<double>(snapshot.uptime_us) / 1e6);
  head(out, "process_resident_memory_bytes", "gauge", "Resident memory");
  fmt::format_to(out, "process_resident_memory_bytes {}\n", snapshot.memory_bytes);
  head(out, "burnish_model_ready", "gauge", "1 when the model's version is ready");
  for (const Model& model : snapshot.models) {
    fmt::format_to(out, "burnish_model_ready{{{}}} {}\n", labels(model), model.entry.state == "READY" ? 1 : 0);
  }
}

}  // namespace

std::string metrics_text(const Snapshot& snapshot) {
  std::string text;
  const Out out(text);
  std::vector<const Model*> loaded;
  for (const Model& model : snapshot.models) {
    if (model.entry.state == "READY") loaded.push_back(&model);
  }
  write_server(snapshot, out);
  write_gpus(snapshot.gpus, out);
  write_families(loaded, out);
  write_reasons("nv_inference_request_failure", "Requests that failed", kFailures, loaded, out);
  write_reasons("burnish_rejected_requests_total", "Requests that were not executed", kRejections, loaded, out);
  for (const Stage& stage : kStages) write_histogram(stage, loaded, out);
  for (const Stage& stage : kStages) write_summary(stage, loaded, out);
  write_batches(loaded, out);
  write_instances(loaded, out);
  return text;
}

}  // namespace burnish::server
