#pragma once
// The server at one moment: what its metrics, its live page and its advice are made of.
#include <string>
#include <vector>

#include "kernels/cuda/nvml.h"
#include "server/inference_server.h"
#include "server/statistics.h"

namespace burnish::server {

struct Snapshot {
  struct Model {
    IndexEntry entry;
    VersionState state;  ///< Empty where the version is not loaded.
  };
  std::string name = "burnish", version;
  bool ready = false;
  uint64_t time_us = 0;  ///< Of a steady clock.
  uint64_t uptime_us = 0;
  uint64_t memory_bytes = 0;  ///< Resident.
  uint64_t connections = 0;
  std::vector<Model> models;
  std::vector<cuda::GpuReading> gpus;  ///< Of the metrics only.
};

/// Of this process; 0 where the system does not tell.
uint64_t resident_bytes();

}  // namespace burnish::server
