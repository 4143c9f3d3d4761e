#pragma once
// How one model is served: Triton's ModelConfig, as far as it is supported. Every field has a default, so that a folder
// with an engine alone is a model.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace burnish::server {

/// One input or output, where the configuration names it; else taken from the engine.
struct TensorConfig {
  std::string name;
  std::string data_type;       ///< "TYPE_FP32"; empty: the engine's.
  std::vector<int64_t> dims;   ///< Without the batch dimension when max_batch_size > 0.
  std::string label_filename;  ///< Of an output: one label a line, for classification.
};

struct InstanceGroup {
  std::string name;
  std::string kind = "KIND_AUTO";  ///< KIND_AUTO, KIND_CPU, KIND_GPU.
  int count = 0;                   ///< 0: as many as the cores allow.
  std::vector<int> gpus;
  int threads = 0;         ///< Of each instance (parameter "threads"); 0: the cores shared out.
  std::vector<int> cores;  ///< That the group's threads are bound to (parameter "cores"); empty: unbound.
};

/// Triton's ModelQueuePolicy.
struct QueuePolicy {
  bool delay_on_timeout = false;  ///< timeout_action DELAY instead of REJECT.
  uint64_t default_timeout_us = 0;
  bool allow_timeout_override = true;
  uint32_t max_queue_size = 0;  ///< 0: the server's bound.
};

struct DynamicBatching {
  std::vector<int> preferred_batch_size;
  uint64_t max_queue_delay_us = 0;
  bool preserve_ordering = false;
  uint32_t priority_levels = 0;
  uint32_t default_priority_level = 0;
  QueuePolicy default_queue_policy;
  std::map<uint32_t, QueuePolicy> priority_queue_policy;
  /// Requests whose free dimension (sequence length) rounds up to the same bound share a batch; their inputs are padded
  /// with zeros (parameter "length_buckets"). Empty: only equal shapes share one.
  std::vector<int64_t> length_buckets;
};

struct SequenceBatching {
  uint64_t max_sequence_idle_us = 1000000;
  struct Control {
    std::string input;
    std::string kind;  ///< CONTROL_SEQUENCE_START, _END, _READY, _CORRID
    std::vector<double> false_true;
    std::string data_type;
  };
  std::vector<Control> controls;
  struct State {
    std::string input, output;
    std::string data_type;
    std::vector<int64_t> dims;
  };
  std::vector<State> states;  ///< Kept by the server between a sequence's requests; zeros at its start.
};

struct EnsembleStep {
  std::string model;
  int64_t model_version = -1;                     ///< -1: the newest.
  std::map<std::string, std::string> input_map;   ///< The step's input → the ensemble's tensor.
  std::map<std::string, std::string> output_map;  ///< The step's output → the ensemble's tensor.
};

struct VersionPolicy {
  enum class Kind { kLatest, kAll, kSpecific } kind = Kind::kLatest;
  uint32_t num_versions = 1;
  std::vector<int64_t> versions;
};

struct WarmupSample {
  std::string name;
  uint32_t batch_size = 1, count = 1;
  struct Input {
    std::string data_type;
    std::vector<int64_t> dims;
    bool random = false;  ///< Else zeros.
    std::string file;     ///< Below the model's folder "warmup"; empty: none.
  };
  std::map<std::string, Input> inputs;
};

struct ModelConfig {
  std::string name;
  std::string platform, backend;  ///< "burnish_engine"; platform "ensemble".
  int max_batch_size = -1;        ///< -1: not said, inferred from the engine; 0: the engine has no batch dimension.
  std::vector<TensorConfig> inputs, outputs;
  std::vector<InstanceGroup> instance_groups;
  std::optional<DynamicBatching> dynamic_batching;
  std::optional<SequenceBatching> sequence_batching;
  std::vector<EnsembleStep> ensemble;  ///< In order of the file; executed as their tensors become ready.
  VersionPolicy version_policy;
  bool response_cache = false;
  std::string default_model_filename;  ///< In a version's folder; empty: model.engine, else model.onnx.
  std::vector<WarmupSample> warmup;
  std::map<std::string, std::string> parameters;
};

}  // namespace burnish::server
