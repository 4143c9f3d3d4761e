#pragma once
// GPUs and what lives on them: memory, streams, events, modules, graphs. All of it is released with its owner.
// Functions throw as check_result() says. A thread may use any device: each call makes the device's context current.
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/cuda/driver.h"

namespace burnish::cuda {

/// Number of GPUs; 0 without a driver.
int num_devices();
/// The GPU that other code of this thread works on (the one of its current context); 0 where there is none.
int current_device();

struct DeviceInfo {
  std::string name;  ///< "NVIDIA H100 80GB HBM3"
  int sm = 0;        ///< 90 for compute capability 9.0.
  int num_sms = 0;
  int64_t memory_bytes = 0, l2_bytes = 0;
  int64_t max_shared_bytes = 0;  ///< A block's most.
  int driver_version = 0;        ///< CUDA version that the driver knows: 13000 for 13.0.
};

/// One GPU and its primary context, which is kept until the process ends.
class Device {
 public:
  /// Throws kInvalidArgument when there is no such GPU, kUnsupported without a driver.
  static const Device& get(int ordinal);
  int ordinal() const { return ordinal_; }
  const DeviceInfo& info() const { return info_; }
  /// Makes this device's context the calling thread's.
  void make_current() const;
  /// For what is released: of a GPU that is lost nothing can be, and that must not end the process.
  void try_make_current() const noexcept;
  /// Free bytes now.
  int64_t free_bytes() const;
  /// Uninitialised device memory, aligned to 256; freed with the last owner.
  std::shared_ptr<void> allocate(size_t bytes) const;
  /// Page-locked host memory.
  std::shared_ptr<void> allocate_pinned(size_t bytes) const;
  /// Memory of this GPU that another process exports (cudaIpcGetMemHandle), kept open until the last owner has gone.
  /// Throws kInvalidArgument for a handle that does not open, or that opens fewer bytes.
  std::shared_ptr<void> open_exported(const IpcHandle& handle, size_t bytes) const;

 private:
  explicit Device(int ordinal);
  int ordinal_;
  DeviceInfo info_;
  Handle context_ = nullptr;
};

/// True for device memory of any GPU.
bool is_device_pointer(const void* pointer);

/// Makes a GPU the calling thread's; at its end the thread has the context back that it had, so that other libraries'
/// current GPU is what it was.
class DeviceScope {
 public:
  /// That a GPU is lost is told by what is done within. -1: nothing is done, as for engines of the CPU: those who use
  /// no GPU do not open the driver.
  explicit DeviceScope(int device);
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  bool active_;
  Handle before_ = nullptr;
};

class Event {
 public:
  explicit Event(const Device& device);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record(Handle stream) const;
  void synchronize() const;
  /// Microseconds from `begin` to this, both recorded and passed.
  double us_since(const Event& begin) const;

 private:
  Handle handle_ = nullptr;
};

class Stream {
 public:
  explicit Stream(const Device& device);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  Handle handle() const { return handle_; }
  const Device& device() const { return device_; }
  void synchronize() const;

 private:
  const Device& device_;
  Handle handle_ = nullptr;
};

/// CUDA's default stream that waits for all others and that they wait for, for those who do not choose one. The driver
/// knows it by this number.
inline Handle legacy_stream() {
  return reinterpret_cast<Handle>(uintptr_t{1});  // NOLINT(performance-no-int-to-ptr)
}
/// Returns when everything that was put on the stream before is done.
void synchronize(Handle stream);

/// Asynchronous copies; sizes in bytes, 0 allowed.
void copy_to_device(void* target, const void* source, size_t bytes, Handle stream);
void copy_to_host(void* target, const void* source, size_t bytes, Handle stream);
void copy_on_device(void* target, const void* source, size_t bytes, Handle stream);
/// Between host memory and a GPU's; return when the bytes are there. From any thread.
void copy_to_device_now(const Device& device, void* target, const void* source, size_t bytes);
void copy_to_host_now(const Device& device, void* target, const void* source, size_t bytes);
/// Rows of row_bytes that stand …_stride bytes apart, from device memory.
struct RowCopy {
  void* target;
  size_t target_stride;
  const void* source;
  size_t source_stride;
  size_t row_bytes, num_rows;
  bool to_device = true;  ///< Else target is host memory.
};
void copy_rows(const RowCopy& copy, Handle stream);
void fill_bytes(void* target, unsigned char value, size_t bytes, Handle stream);
/// For KernelArgs::flags: so many words of zero, there for every stream; null for none.
std::shared_ptr<uint32_t> allocate_flags(const Stream& stream, size_t count);

/// Everything that `enqueue` puts on the stream, as one launch.
class Graph {
 public:
  /// enqueue must not allocate device memory, synchronise, or touch other streams. Throws what it throws.
  Graph(const Stream& stream, const std::function<void()>& enqueue);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  void launch(Handle stream) const;

 private:
  Handle executable_ = nullptr;
};

}  // namespace burnish::cuda
