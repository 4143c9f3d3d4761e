#pragma once
// A GPU for which cuDNN makes plans where there is none.
#include "kernels/cuda/cudnn.h"

namespace burnish::testing {

/// An H100, as the library describes it.
inline constexpr const char* kDescribedGpu = R"({
  "deviceName": "NVIDIA H100 80GB HBM3", "deviceVer": 900, "driverVer": 13000, "cudaDeviceId": 0, "pciDeviceId": 0,
  "totalGlobalMem": 85029158912, "multiProcessorCount": 132, "l2CacheSize": 52428800, "warpSize": 32,
  "smClockRateKHz": 1980000, "memClockRateKHz": 2619000, "maxGridSize": [2147483647, 65535, 65535],
  "maxBlockSize": [1024, 1024, 64], "regsPerBlock": 65536, "maxRegistersPerSM": 65536, "maxCtasPerSM": 32,
  "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "maxSharedMemoryPerBlock": 49152,
  "maxSharedMemoryPerBlockOptin": 232448, "reservedSharedMemoryPerBlock": 1024, "isTccDriver": 0,
  "supportCoopLaunch": 1})";

/// Whether the library makes plans for GPUs that are described.
inline bool describes_gpus() {
  return cuda::dnn::available() && cuda::dnn::library().GetVersion() >= 90800;
}

}  // namespace burnish::testing
