#pragma once
// NVIDIA's management library, opened when first needed: what the GPUs of this machine are doing.
#include <optional>
#include <string>
#include <vector>

namespace burnish::cuda {

/// Nothing where the GPU does not tell.
struct GpuReading {
  std::string uuid;                   ///< "GPU-…"
  std::optional<double> utilization;  ///< Share of the last moments in which a kernel ran, 0 to 1.
  std::optional<double> memory_total_bytes, memory_used_bytes;
  std::optional<double> power_watts, power_limit_watts;
  std::optional<double> energy_joules;  ///< Since the driver was loaded.
};

/// One for each GPU; none without the library or without GPUs. From any thread; never throws.
std::vector<GpuReading> read_gpus();

}  // namespace burnish::cuda
