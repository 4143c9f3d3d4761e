#include "kernels/cuda/driver.h"

#include <dlfcn.h>

#include <algorithm>
#include <string>

#include "base/error.h"

namespace burnish::cuda {
namespace {

struct Symbol {
  const char* name;
  void** function;
};

template <typename F>
void** slot(F*& function) {
  return reinterpret_cast<void**>(&function);
}

/// The name of the first function that the library lacks; empty when all are there.
std::string bind(void* library, Driver& d) {
  const Symbol symbols[] = {
      {"cuInit", slot(d.Init)},
      {"cuDriverGetVersion", slot(d.DriverGetVersion)},
      {"cuGetErrorString", slot(d.GetErrorString)},
      {"cuGetErrorName", slot(d.GetErrorName)},
      {"cuDeviceGetCount", slot(d.DeviceGetCount)},
      {"cuDeviceGet", slot(d.DeviceGet)},
      {"cuDeviceGetName", slot(d.DeviceGetName)},
      {"cuDeviceGetAttribute", slot(d.DeviceGetAttribute)},
      {"cuDeviceTotalMem_v2", slot(d.DeviceTotalMem)},
      {"cuDevicePrimaryCtxRetain", slot(d.DevicePrimaryCtxRetain)},
      {"cuCtxSetCurrent", slot(d.CtxSetCurrent)},
      {"cuCtxGetCurrent", slot(d.CtxGetCurrent)},
      {"cuCtxGetDevice", slot(d.CtxGetDevice)},
      {"cuMemGetInfo_v2", slot(d.MemGetInfo)},
      {"cuMemAlloc_v2", slot(d.MemAlloc)},
      {"cuMemFree_v2", slot(d.MemFree)},
      {"cuMemHostAlloc", slot(d.MemHostAlloc)},
      {"cuMemFreeHost", slot(d.MemFreeHost)},
      {"cuMemcpyHtoDAsync_v2", slot(d.MemcpyHtoDAsync)},
      {"cuMemcpyDtoHAsync_v2", slot(d.MemcpyDtoHAsync)},
      {"cuMemcpyDtoDAsync_v2", slot(d.MemcpyDtoDAsync)},
      {"cuMemcpy2DAsync_v2", slot(d.Memcpy2DAsync)},
      {"cuMemsetD8Async", slot(d.MemsetD8Async)},
      {"cuIpcOpenMemHandle_v2", slot(d.IpcOpenMemHandle)},
      {"cuIpcCloseMemHandle", slot(d.IpcCloseMemHandle)},
      {"cuMemGetAddressRange_v2", slot(d.MemGetAddressRange)},
      {"cuPointerGetAttribute", slot(d.PointerGetAttribute)},
      {"cuStreamCreate", slot(d.StreamCreate)},
      {"cuStreamDestroy_v2", slot(d.StreamDestroy)},
      {"cuStreamSynchronize", slot(d.StreamSynchronize)},
      {"cuStreamBeginCapture_v2", slot(d.StreamBeginCapture)},
      {"cuStreamEndCapture", slot(d.StreamEndCapture)},
      {"cuGraphInstantiateWithFlags", slot(d.GraphInstantiate)},
      {"cuGraphLaunch", slot(d.GraphLaunch)},
      {"cuGraphExecDestroy", slot(d.GraphExecDestroy)},
      {"cuGraphDestroy", slot(d.GraphDestroy)},
      {"cuEventCreate", slot(d.EventCreate)},
      {"cuEventDestroy_v2", slot(d.EventDestroy)},
      {"cuEventRecord", slot(d.EventRecord)},
      {"cuEventSynchronize", slot(d.EventSynchronize)},
      {"cuEventElapsedTime", slot(d.EventElapsedTime)},
      {"cuModuleLoadData", slot(d.ModuleLoadData)},
      {"cuModuleUnload", slot(d.ModuleUnload)},
      {"cuModuleGetFunction", slot(d.ModuleGetFunction)},
      {"cuFuncSetAttribute", slot(d.FuncSetAttribute)},
      {"cuFuncGetAttribute", slot(d.FuncGetAttribute)},
      {"cuLaunchKernelEx", slot(d.LaunchKernelEx)},
      {"cuTensorMapEncodeTiled", slot(d.TensorMapEncodeTiled)},
      {"cuTensorMapEncodeIm2col", slot(d.TensorMapEncodeIm2col)},
  };
  for (const Symbol& symbol : symbols) {
    *symbol.function = dlsym(library, symbol.name);
    if (*symbol.function == nullptr) return symbol.name;
  }
  return "";
}

struct Loaded {
  Driver driver;
  std::string problem;  // empty: usable
};

Loaded load() {
  Loaded loaded;
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);  // never closed: kernels may be running
  if (library == nullptr) {
    loaded.problem = "there is no NVIDIA driver (libcuda.so.1)";
    return loaded;
  }
  if (const std::string missing = bind(library, loaded.driver); !missing.empty()) {
    loaded.problem = fmt::format("the NVIDIA driver is too old: it has no {} (12.0 or newer is needed)", missing);
    return loaded;
  }
  int count = 0;
  const Result result = loaded.driver.Init(0);
  if (result != kSuccess || loaded.driver.DeviceGetCount(&count) != kSuccess || count == 0) {
    const char* text = nullptr;
    if (result != kSuccess) loaded.driver.GetErrorString(result, &text);
    loaded.problem =
        fmt::format("the NVIDIA driver finds no GPU{}{}", text != nullptr ? ": " : "", text != nullptr ? text : "");
  }
  return loaded;
}

// CUresult: machine code of another version or architecture.
constexpr Result kForeignCode[] = {200, 209, 218, 222};
// CUresult: the context, or the GPU, is lost: unavailable, ECC, NVLink, illegal address … launch failed, MPS, unknown.
constexpr Result kLost[] = {46, 214, 220, 700, 702, 708, 709, 710, 714, 715, 716, 717, 718, 719, 805, 806, 807, 999};

const Loaded& loaded() {
  static const Loaded instance = load();
  return instance;
}

}  // namespace

bool driver_available() {
  return loaded().problem.empty();
}

const Driver& driver() {
  if (!driver_available()) {
    throw Error(ErrorCode::kUnsupported, loaded().problem)
        .with_hint("run on a machine with an NVIDIA GPU and its driver, or use --target cpu");
  }
  return loaded().driver;
}

void check_result(Result result, std::string_view what) {
  if (result == kSuccess) return;
  const char* name = nullptr;
  const char* text = nullptr;
  const Driver& d = driver();
  d.GetErrorName(result, &name);
  d.GetErrorString(result, &text);
  const std::string reason =
      fmt::format("{} ({})", text == nullptr ? "unknown error" : text, name == nullptr ? std::to_string(result) : name);
  if (result == kOutOfMemory) {
    throw Error(ErrorCode::kOutOfMemory, fmt::format("the GPU has no memory left while {}: {}", what, reason))
        .with_hint("use smaller shapes, fewer contexts, or free memory that other processes hold");
  }
  if (std::ranges::find(kForeignCode, result) != std::end(kForeignCode)) {
    throw Error(ErrorCode::kMismatch,
                fmt::format("this driver and GPU cannot run the engine's machine code ({}): {}", what, reason))
        .with_hint("rebuild the engine on this machine with `burnish build`, or install a newer driver");
  }
  Error error(ErrorCode::kInternal, fmt::format("the GPU failed while {}: {}", what, reason));
  if (std::ranges::find(kLost, result) != std::end(kLost)) {
    error.with_hint(
        "this process can use the GPU no more until it is started again; its engines elsewhere go on. `dmesg` and "
        "`nvidia-smi -q` tell of errors of the hardware");
  }
  throw error;
}

}  // namespace burnish::cuda
