#pragma once
// What the protocols talk to: the one face of models, schedulers and management.
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/request.h"

namespace burnish::server {

struct TensorMetadata {
  std::string name;
  std::string datatype;        ///< KServe's word: "FP32", "INT64", "BOOL", …
  std::vector<int64_t> shape;  ///< -1: free.
};
struct ModelMetadata {
  std::string name;
  std::vector<std::string> versions;  ///< Ready ones, ascending.
  std::string platform = "burnish_engine";
  std::vector<TensorMetadata> inputs, outputs;
};
struct ServerMetadata {
  std::string name = "burnish", version;
  std::vector<std::string> extensions;
};
struct IndexEntry {
  std::string name, version, state, reason;  ///< state: "READY", "UNAVAILABLE", "LOADING", "UNLOADING".
};

/// Triton's statistics of one model version; durations in nanoseconds.
struct DurationStatistics {
  uint64_t count = 0, ns = 0;
};
struct BatchStatistics {
  uint64_t batch_size = 0;
  DurationStatistics input, infer, output;
  DurationStatistics busy;  ///< Burnish's own: how long it took its instance, from one batch's choice to the next's.
};
struct ModelStatistics {
  std::string name, version;
  uint64_t last_inference_ms = 0, inference_count = 0, execution_count = 0;
  DurationStatistics success, fail, queue, compute_input, compute_infer, compute_output, cache_hit, cache_miss;
  std::vector<BatchStatistics> batches;
};

struct SharedMemoryRegion {
  std::string name, key;  ///< key: of shm_open().
  uint64_t offset = 0, byte_size = 0;
};

/// Memory of a GPU that its owner shares with CUDA's interprocess handles.
struct CudaMemoryRegion {
  std::string name;
  std::string handle;  ///< cudaIpcMemHandle_t: 64 bytes.
  int64_t device = 0;  ///< The server's number of the GPU.
  uint64_t byte_size = 0;
};

/// Flat name → values, as Triton's trace and log settings have them.
using Settings = std::vector<std::pair<std::string, std::vector<std::string>>>;

/// Thread-safe. Functions that return a Status never throw.
class InferenceServer {
 public:
  virtual ~InferenceServer() = default;

  virtual void infer(InferRequest request, ResponseCallback done) = 0;

  virtual bool is_live() const = 0;
  /// True when every model that should be loaded is, and the server is not draining.
  virtual bool is_ready() const = 0;
  virtual Status model_ready(std::string_view model, std::string_view version) const = 0;
  virtual ServerMetadata metadata() const = 0;
  virtual Status model_metadata(std::string_view model, std::string_view version, ModelMetadata& out) const = 0;
  /// Triton's ModelConfig as JSON (its protobuf's JSON names, snake case).
  virtual Status model_config(std::string_view model, std::string_view version, std::string& json) const = 0;
  /// All models when `model` is empty.
  virtual Status statistics(std::string_view model, std::string_view version,
                            std::vector<ModelStatistics>& out) const = 0;

  virtual std::vector<IndexEntry> repository_index(bool only_ready) const = 0;
  /// Control mode explicit only. config_json replaces the model's configuration; empty: as on disk.
  virtual Status load_model(std::string_view model, std::string_view config_json) = 0;
  virtual Status unload_model(std::string_view model, bool unload_dependents) = 0;

  /// Regions of both kinds have names of one table. Wherever names may be empty: all of the kind.
  virtual Status register_shared_memory(const SharedMemoryRegion& region) = 0;
  virtual Status unregister_shared_memory(std::string_view name) = 0;
  virtual Status shared_memory_status(std::string_view name, std::vector<SharedMemoryRegion>& out) const = 0;
  virtual Status register_cuda_memory(const CudaMemoryRegion& region) = 0;
  virtual Status unregister_cuda_memory(std::string_view name) = 0;
  virtual Status cuda_memory_status(std::string_view name, std::vector<CudaMemoryRegion>& out) const = 0;
  /// The bytes of a registered region of either kind; kInvalidArgument when they lie outside it.
  virtual Status shared_memory(std::string_view region, uint64_t offset, uint64_t byte_size,
                               SharedBytes& out) const = 0;

  virtual Status trace_settings(std::string_view model, const Settings& change, Settings& now) = 0;
  virtual Status log_settings(const Settings& change, Settings& now) = 0;

  /// Prometheus' text format.
  virtual std::string metrics() const = 0;
  /// What the live page shows, as one JSON object that is polled about once a second. Counters only grow; the page
  /// takes differences. Times in microseconds. Any field may be absent; unknown ones are ignored.
  ///   {"name": "burnish", "version": "0.1.0", "ready": true, "time_us": 1234 (of a steady clock), "uptime_us": 1234,
  ///    "memory_bytes": 123 (resident), "connections": 3,
  ///    "models": [{"name": "resnet", "version": "1", "state": "READY", "reason": "",
  ///      "requests": 10, "failures": 0, "rejected": 0, "inferences": 20, "executions": 5,   (counters)
  ///      "queue_depth": 0,                                                                  (now)
  ///      "latency_us": {"queue": {"p50": 1, "p90": 2, "p99": 3}, "compute": {…}, "total": {…}},  (of the last minute)
  ///      "batch_sizes": [{"size": 1, "count": 7}, …],                                       (counters)
  ///      "instances": [{"name": "resnet_0", "device": "CPU 0-1", "busy_us": 1234}],         (counters)
  ///      "advice": ["batches are 1.1 on average: raise max_queue_delay_microseconds"]}],
  ///    "advice": ["…of the server as a whole"]}
  virtual std::string live_state() const = 0;
  /// One line of the access log for a finished request.
  struct Access {
    std::string_view protocol, peer, method, target, model, id;
    int status = 0;
    uint64_t request_bytes = 0, response_bytes = 0, duration_us = 0;
  };
  virtual void log_access(const Access& access) = 0;
  /// False: nothing is logged, so that log_access() need not be called.
  virtual bool logs_access() const { return true; }
};

/// KServe's name of an element type (empty: it has none there), and back. parse: false when there is none.
/// element_bytes: 0 for types without a name.
std::string_view kserve_name(DataType dtype);
bool parse_kserve_name(std::string_view name, DataType& dtype);
size_t element_bytes(DataType dtype);

}  // namespace burnish::server
