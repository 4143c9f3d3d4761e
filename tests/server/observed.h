#pragma once
// States of model versions, made up for tests of what is told about them.
#include <string>

#include "server/snapshot.h"

namespace burnish::server::testing {

constexpr uint64_t kMs = 1000000, kSecond = 1000 * kMs;

struct Load {
  uint64_t requests = 0, executions = 0;
  uint64_t queue_ns = 0, compute_ns = 0;  ///< Of every request.
  double busy = 0;                        ///< Of every instance, over ten seconds.
  size_t instances = 1;
};

inline Latency latency_of(uint64_t count, uint64_t ns) {
  Latency latency;
  for (uint64_t i = 0; i < count; ++i) {
    latency.all.record(ns);
    latency.recent.record(ns);
  }
  return latency;
}

/// Of a version that can batch up to 8, after ten seconds.
inline VersionState version_state(const Load& load) {
  VersionState state;
  state.alive_ns = 10 * kSecond;
  state.max_batch_size = 8;
  state.statistics.inference_count = load.requests;
  state.statistics.execution_count = load.executions;
  state.statistics.success = {load.requests, load.requests * (load.queue_ns + load.compute_ns)};
  state.statistics.queue = {load.requests, load.requests * load.queue_ns};
  state.statistics.compute_infer = {load.requests, load.requests * load.compute_ns};
  state.queue = latency_of(load.requests, load.queue_ns);
  state.compute = latency_of(load.requests, load.compute_ns);
  state.total = latency_of(load.requests, load.queue_ns + load.compute_ns);
  for (size_t i = 0; i < load.instances; ++i) {
    InstanceState instance;
    instance.name = "m_" + std::to_string(i);
    instance.busy_ns = static_cast<uint64_t>(load.busy * static_cast<double>(state.alive_ns));
    state.instances.push_back(instance);
  }
  return state;
}

inline Snapshot::Model ready_model(const std::string& name, VersionState state) {
  return {{name, "1", "READY", ""}, std::move(state)};
}

}  // namespace burnish::server::testing
