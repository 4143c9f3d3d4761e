#pragma once
// NVIDIA's driver, opened when first needed. Declares what Burnish calls of the driver API itself, so that it compiles
// without CUDA's headers and runs where there is no driver. Names, numbers and layouts: the CUDA driver API's
// reference.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace burnish::cuda {

using Result = int;              // CUresult; 0: success
using DevicePointer = uint64_t;  // CUdeviceptr
using Handle = void*;            // of contexts, streams, events, modules, functions, graphs

inline constexpr Result kSuccess = 0, kOutOfMemory = 2;

/// CUlaunchAttribute: an id, padding to 8 bytes, and a value of 64 bytes.
struct LaunchAttribute {
  static constexpr int kClusterDimension = 4, kProgrammaticStreamSerialization = 6;
  int id = 0;
  int padding = 0;
  union Value {
    std::array<char, 64> bytes;
    std::array<unsigned, 3> cluster;
    int programmatic_stream_serialization;
  } value = {};
};
static_assert(sizeof(LaunchAttribute) == 72);

/// CUlaunchConfig.
struct LaunchConfig {
  unsigned grid_x = 1, grid_y = 1, grid_z = 1, block_x = 1, block_y = 1, block_z = 1;
  unsigned shared_bytes = 0;
  Handle stream = nullptr;
  LaunchAttribute* attributes = nullptr;
  unsigned num_attributes = 0;
};
static_assert(sizeof(LaunchConfig) == 56);

/// CUDA_MEMCPY2D.
struct Copy2D {
  static constexpr int kHost = 1, kDevice = 2;
  size_t source_x = 0, source_y = 0;
  int source_type = kDevice;
  const void* source_host = nullptr;
  DevicePointer source = 0;
  Handle source_array = nullptr;
  size_t source_pitch = 0;
  size_t target_x = 0, target_y = 0;
  int target_type = kDevice;
  void* target_host = nullptr;
  DevicePointer target = 0;
  Handle target_array = nullptr;
  size_t target_pitch = 0;
  size_t width_bytes = 0, height = 0;
};
static_assert(sizeof(Copy2D) == 128);

/// CUtensorMap: opaque to everyone but cuTensorMapEncode….
struct alignas(128) TensorMap {
  std::array<uint64_t, 16> words = {};
};

/// CUipcMemHandle: another process's name for its memory; travels as bytes.
struct IpcHandle {
  std::array<char, 64> bytes = {};
};

// CUdevice_attribute, CUfunction_attribute, CUpointer_attribute.
inline constexpr int kNumMultiprocessors = 16, kL2Bytes = 38, kCapabilityMajor = 75, kCapabilityMinor = 76,
                     kMaxSharedBytes = 97, kMemoryClockKilohertz = 36, kMemoryBusBits = 37;
inline constexpr int kFunctionRegisters = 4, kFunctionMaxDynamicShared = 8;
inline constexpr int kPointerMemoryType = 2;
inline constexpr unsigned kStreamNonBlocking = 1;
inline constexpr int kCaptureThreadLocal = 1;
inline constexpr unsigned kIpcLazyPeerAccess = 1;

/// The functions by their names without "cu".
struct Driver {
  Result (*Init)(unsigned) = nullptr;
  Result (*DriverGetVersion)(int*) = nullptr;
  Result (*GetErrorString)(Result, const char**) = nullptr;
  Result (*GetErrorName)(Result, const char**) = nullptr;
  Result (*DeviceGetCount)(int*) = nullptr;
  Result (*DeviceGet)(int*, int) = nullptr;
  Result (*DeviceGetName)(char*, int, int) = nullptr;
  Result (*DeviceGetAttribute)(int*, int, int) = nullptr;
  Result (*DeviceTotalMem)(size_t*, int) = nullptr;
  Result (*DevicePrimaryCtxRetain)(Handle*, int) = nullptr;
  Result (*CtxSetCurrent)(Handle) = nullptr;
  Result (*CtxGetCurrent)(Handle*) = nullptr;
  Result (*CtxGetDevice)(int*) = nullptr;
  Result (*MemGetInfo)(size_t*, size_t*) = nullptr;
  Result (*MemAlloc)(DevicePointer*, size_t) = nullptr;
  Result (*MemFree)(DevicePointer) = nullptr;
  Result (*MemHostAlloc)(void**, size_t, unsigned) = nullptr;
  Result (*MemFreeHost)(void*) = nullptr;
  Result (*MemcpyHtoDAsync)(DevicePointer, const void*, size_t, Handle) = nullptr;
  Result (*MemcpyDtoHAsync)(void*, DevicePointer, size_t, Handle) = nullptr;
  Result (*MemcpyDtoDAsync)(DevicePointer, DevicePointer, size_t, Handle) = nullptr;
  Result (*Memcpy2DAsync)(const Copy2D*, Handle) = nullptr;
  Result (*MemsetD8Async)(DevicePointer, unsigned char, size_t, Handle) = nullptr;
  Result (*IpcOpenMemHandle)(DevicePointer*, IpcHandle, unsigned) = nullptr;
  Result (*IpcCloseMemHandle)(DevicePointer) = nullptr;
  Result (*MemGetAddressRange)(DevicePointer*, size_t*, DevicePointer) = nullptr;
  Result (*PointerGetAttribute)(void*, int, DevicePointer) = nullptr;
  Result (*StreamCreate)(Handle*, unsigned) = nullptr;
  Result (*StreamDestroy)(Handle) = nullptr;
  Result (*StreamSynchronize)(Handle) = nullptr;
  Result (*StreamBeginCapture)(Handle, int) = nullptr;
  Result (*StreamEndCapture)(Handle, Handle*) = nullptr;
  Result (*GraphInstantiate)(Handle*, Handle, unsigned long long) = nullptr;
  Result (*GraphLaunch)(Handle, Handle) = nullptr;
  Result (*GraphExecDestroy)(Handle) = nullptr;
  Result (*GraphDestroy)(Handle) = nullptr;
  Result (*EventCreate)(Handle*, unsigned) = nullptr;
  Result (*EventDestroy)(Handle) = nullptr;
  Result (*EventRecord)(Handle, Handle) = nullptr;
  Result (*EventSynchronize)(Handle) = nullptr;
  Result (*EventElapsedTime)(float*, Handle, Handle) = nullptr;
  Result (*ModuleLoadData)(Handle*, const void*) = nullptr;
  Result (*ModuleUnload)(Handle) = nullptr;
  Result (*ModuleGetFunction)(Handle*, Handle, const char*) = nullptr;
  Result (*FuncSetAttribute)(Handle, int, int) = nullptr;
  Result (*FuncGetAttribute)(int*, int, Handle) = nullptr;
  Result (*LaunchKernelEx)(const LaunchConfig*, Handle, void**, void**) = nullptr;
  Result (*TensorMapEncodeTiled)(TensorMap*, int, uint32_t, void*, const uint64_t*, const uint64_t*, const uint32_t*,
                                 const uint32_t*, int, int, int, int) = nullptr;
  Result (*TensorMapEncodeIm2col)(TensorMap*, int, uint32_t, void*, const uint64_t*, const uint64_t*, const int*,
                                  const int*, uint32_t, uint32_t, const uint32_t*, int, int, int, int) = nullptr;
};

/// False without a driver or without a device; never throws.
bool driver_available();
/// Throws kUnsupported, naming what is missing and what to do, where driver_available() is false.
const Driver& driver();
/// Throws for a failed call: kOutOfMemory; kMismatch for machine code that this driver or GPU cannot run; else kInternal.
/// The message has the driver's name and text of the error, and `what` was being done ("launching cuda.pointwise"); for
/// errors after which nothing runs on this GPU any more in this process, the hint says so.
void check_result(Result result, std::string_view what);

}  // namespace burnish::cuda
