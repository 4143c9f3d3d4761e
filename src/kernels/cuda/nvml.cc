#include "kernels/cuda/nvml.h"

#include <array>

#include "kernels/cuda/library.h"

namespace burnish::cuda {
namespace {

using DeviceHandle = void*;  // nvmlDevice_t

/// nvmlUtilization_t, in percent.
struct Utilization {
  unsigned gpu = 0, memory = 0;
};
/// nvmlMemory_t.
struct Memory {
  unsigned long long total = 0, free = 0, used = 0;
};

struct Nvml {
  int (*init)() = nullptr;
  int (*count)(unsigned*) = nullptr;
  int (*handle)(unsigned, DeviceHandle*) = nullptr;
  int (*uuid)(DeviceHandle, char*, unsigned) = nullptr;
  int (*utilization)(DeviceHandle, Utilization*) = nullptr;
  int (*memory)(DeviceHandle, Memory*) = nullptr;
  int (*power)(DeviceHandle, unsigned*) = nullptr;  // milliwatts
  int (*power_limit)(DeviceHandle, unsigned*) = nullptr;
  int (*energy)(DeviceHandle, unsigned long long*) = nullptr;  // millijoules
  bool usable = false;
};

constexpr const char* kNames[] = {"libnvidia-ml.so.1"};

Nvml load() {
  Nvml n;
  void* library = open_library("BURNISH_NVML", kNames);  // never closed
  n.usable = library != nullptr && bind(library, "nvmlInit_v2", n.init) &&
             bind(library, "nvmlDeviceGetCount_v2", n.count) &&
             bind(library, "nvmlDeviceGetHandleByIndex_v2", n.handle) && bind(library, "nvmlDeviceGetUUID", n.uuid) &&
             bind(library, "nvmlDeviceGetUtilizationRates", n.utilization) &&
             bind(library, "nvmlDeviceGetMemoryInfo", n.memory) && bind(library, "nvmlDeviceGetPowerUsage", n.power) &&
             bind(library, "nvmlDeviceGetEnforcedPowerLimit", n.power_limit) &&
             bind(library, "nvmlDeviceGetTotalEnergyConsumption", n.energy) && n.init() == 0;
  return n;
}

/// What `ask` fills in, times `scale`.
template <typename T>
std::optional<double> scaled(int (*ask)(DeviceHandle, T*), DeviceHandle device, double scale) {
  T value = 0;
  if (ask(device, &value) != 0) return std::nullopt;
  return static_cast<double>(value) * scale;
}

GpuReading read(const Nvml& nvml, DeviceHandle device) {
  GpuReading reading;
  std::array<char, 128> uuid{};
  if (nvml.uuid(device, uuid.data(), static_cast<unsigned>(uuid.size())) == 0) reading.uuid = uuid.data();
  if (Utilization rates; nvml.utilization(device, &rates) == 0) reading.utilization = rates.gpu / 100.0;
  if (Memory memory; nvml.memory(device, &memory) == 0) {
    reading.memory_total_bytes = static_cast<double>(memory.total);
    reading.memory_used_bytes = static_cast<double>(memory.used);
  }
  constexpr double kMilli = 1e-3;
  reading.power_watts = scaled(nvml.power, device, kMilli);
  reading.power_limit_watts = scaled(nvml.power_limit, device, kMilli);
  reading.energy_joules = scaled(nvml.energy, device, kMilli);
  return reading;
}

}  // namespace

std::vector<GpuReading> read_gpus() {
  static const Nvml nvml = load();
  std::vector<GpuReading> readings;
  unsigned count = 0;
  if (!nvml.usable || nvml.count(&count) != 0) return readings;
  for (unsigned i = 0; i < count; ++i) {
    DeviceHandle device = nullptr;
    if (nvml.handle(i, &device) == 0) readings.push_back(read(nvml, device));
  }
  return readings;
}

}  // namespace burnish::cuda
