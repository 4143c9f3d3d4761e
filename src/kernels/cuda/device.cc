#include "kernels/cuda/device.h"

#include <array>
#include <bit>
#include <mutex>

#include "base/error.h"

namespace burnish::cuda {
namespace {

// CU_STREAM_PER_THREAD: waits for no other's work.
const Handle kThreadsOwnStream = std::bit_cast<Handle>(uintptr_t{2});

DevicePointer address(const void* pointer) {
  return static_cast<DevicePointer>(reinterpret_cast<uintptr_t>(pointer));
}

DeviceInfo describe(int device) {
  const Driver& d = driver();
  const auto attribute = [&](int which) {
    int value = 0;
    check_result(d.DeviceGetAttribute(&value, which, device), "asking for the GPU's attributes");
    return value;
  };
  DeviceInfo info;
  std::array<char, 256> name{};
  check_result(d.DeviceGetName(name.data(), static_cast<int>(name.size()) - 1, device), "asking for the GPU's name");
  info.name = name.data();
  info.sm = attribute(kCapabilityMajor) * 10 + attribute(kCapabilityMinor);
  info.num_sms = attribute(kNumMultiprocessors);
  info.l2_bytes = attribute(kL2Bytes);
  info.max_shared_bytes = attribute(kMaxSharedBytes);
  size_t bytes = 0;
  check_result(d.DeviceTotalMem(&bytes, device), "asking for the GPU's memory");
  info.memory_bytes = static_cast<int64_t>(bytes);
  check_result(d.DriverGetVersion(&info.driver_version), "asking for the driver's version");
  return info;
}

}  // namespace

int num_devices() {
  int count = 0;
  if (driver_available()) driver().DeviceGetCount(&count);
  return count;
}

int current_device() {
  int device = 0;
  if (!driver_available() || driver().CtxGetDevice(&device) != kSuccess) return 0;
  return device;
}

Device::Device(int ordinal) : ordinal_(ordinal) {
  int device = 0;
  check_result(driver().DeviceGet(&device, ordinal), "opening the GPU");
  info_ = describe(device);
  check_result(driver().DevicePrimaryCtxRetain(&context_, device), "making a context on the GPU");
}

const Device& Device::get(int ordinal) {
  driver();  // throws where there is none
  check(ordinal >= 0 && ordinal < num_devices(), ErrorCode::kInvalidArgument,
        "there is no GPU {}: this machine has {} (0 is the first)", ordinal, num_devices());
  static std::mutex mutex;
  static std::vector<std::unique_ptr<const Device>> devices(static_cast<size_t>(num_devices()));
  const std::lock_guard lock(mutex);
  auto& device = devices[static_cast<size_t>(ordinal)];
  if (!device) device.reset(new Device(ordinal));
  return *device;
}

void Device::make_current() const {
  // Always: other libraries of the process choose contexts, too.
  check_result(driver().CtxSetCurrent(context_), "choosing the GPU");
}

void Device::try_make_current() const noexcept {
  driver().CtxSetCurrent(context_);
}

int64_t Device::free_bytes() const {
  make_current();
  size_t free = 0, total = 0;
  check_result(driver().MemGetInfo(&free, &total), "asking for free memory");
  return static_cast<int64_t>(free);
}

std::shared_ptr<void> Device::allocate(size_t bytes) const {
  make_current();
  DevicePointer pointer = 0;
  check_result(driver().MemAlloc(&pointer, bytes == 0 ? 1 : bytes), fmt::format("allocating {} bytes", bytes));
  return {std::bit_cast<void*>(pointer), [this](void* memory) {
            const DeviceScope scope(ordinal_);
            driver().MemFree(address(memory));
          }};
}

std::shared_ptr<void> Device::allocate_pinned(size_t bytes) const {
  make_current();
  void* pointer = nullptr;
  check_result(driver().MemHostAlloc(&pointer, bytes == 0 ? 1 : bytes, 0), "allocating page-locked memory");
  return {pointer, [this](void* memory) {
            const DeviceScope scope(ordinal_);
            driver().MemFreeHost(memory);
          }};
}

std::shared_ptr<void> Device::open_exported(const IpcHandle& handle, size_t bytes) const {
  make_current();
  DevicePointer pointer = 0;
  if (const Result result = driver().IpcOpenMemHandle(&pointer, handle, kIpcLazyPeerAccess); result != kSuccess) {
    const char* text = nullptr;
    driver().GetErrorString(result, &text);
    throw_error(ErrorCode::kInvalidArgument, "GPU {} opens no memory for the handle: {}", ordinal_,
                text == nullptr ? "unknown error" : text);
  }
  std::shared_ptr<void> memory(std::bit_cast<void*>(pointer), [this](void* opened) {
    try_make_current();
    driver().IpcCloseMemHandle(address(opened));
  });
  DevicePointer base = 0;
  size_t size = 0;
  check_result(driver().MemGetAddressRange(&base, &size, pointer), "asking for the size of exported memory");
  check(bytes <= size - (pointer - base), ErrorCode::kInvalidArgument, "the handle opens {} bytes, not {}",
        size - (pointer - base), bytes);
  return memory;
}

bool is_device_pointer(const void* pointer) {
  if (pointer == nullptr || !driver_available()) return false;
  unsigned type = 0;
  const Result result = driver().PointerGetAttribute(&type, kPointerMemoryType, address(pointer));
  return result == kSuccess && type == static_cast<unsigned>(Copy2D::kDevice);
}

DeviceScope::DeviceScope(int device) : active_(device >= 0) {
  if (!active_) return;
  driver().CtxGetCurrent(&before_);
  Device::get(device).try_make_current();
}
DeviceScope::~DeviceScope() {
  if (active_) driver().CtxSetCurrent(before_);
}

Event::Event(const Device& device) {
  device.make_current();
  check_result(driver().EventCreate(&handle_, 0), "making an event");
}
Event::~Event() {
  driver().EventDestroy(handle_);
}
void Event::record(Handle stream) const {
  check_result(driver().EventRecord(handle_, stream), "recording an event");
}
void Event::synchronize() const {
  check_result(driver().EventSynchronize(handle_), "waiting for an event");
}
double Event::us_since(const Event& begin) const {
  float ms = 0;
  check_result(driver().EventElapsedTime(&ms, begin.handle_, handle_), "reading an event");
  return static_cast<double>(ms) * 1e3;
}

Stream::Stream(const Device& device) : device_(device) {
  device.make_current();
  check_result(driver().StreamCreate(&handle_, kStreamNonBlocking), "making a stream");
}
Stream::~Stream() {
  driver().StreamDestroy(handle_);
}
void Stream::synchronize() const {
  cuda::synchronize(handle_);
}

void synchronize(Handle stream) {
  check_result(driver().StreamSynchronize(stream), "executing");
}

void copy_to_device(void* target, const void* source, size_t bytes, Handle stream) {
  if (bytes > 0) check_result(driver().MemcpyHtoDAsync(address(target), source, bytes, stream), "copying to the GPU");
}
void copy_to_host(void* target, const void* source, size_t bytes, Handle stream) {
  if (bytes > 0) check_result(driver().MemcpyDtoHAsync(target, address(source), bytes, stream), "copying from the GPU");
}
void copy_on_device(void* target, const void* source, size_t bytes, Handle stream) {
  if (bytes == 0) return;
  check_result(driver().MemcpyDtoDAsync(address(target), address(source), bytes, stream), "copying on the GPU");
}
void copy_to_device_now(const Device& device, void* target, const void* source, size_t bytes) {
  device.make_current();
  copy_to_device(target, source, bytes, kThreadsOwnStream);
  check_result(driver().StreamSynchronize(kThreadsOwnStream), "copying to the GPU");
}
void copy_to_host_now(const Device& device, void* target, const void* source, size_t bytes) {
  device.make_current();
  copy_to_host(target, source, bytes, kThreadsOwnStream);
  check_result(driver().StreamSynchronize(kThreadsOwnStream), "copying from the GPU");
}
void copy_rows(const RowCopy& copy, Handle stream) {
  if (copy.row_bytes == 0 || copy.num_rows == 0) return;
  if (copy.num_rows == 1) {
    if (copy.to_device) return copy_on_device(copy.target, copy.source, copy.row_bytes, stream);
    return copy_to_host(copy.target, copy.source, copy.row_bytes, stream);
  }
  Copy2D c;
  c.source = address(copy.source);
  c.source_pitch = copy.source_stride;
  c.target_type = copy.to_device ? Copy2D::kDevice : Copy2D::kHost;
  c.target_host = copy.to_device ? nullptr : copy.target;
  c.target = copy.to_device ? address(copy.target) : 0;
  c.target_pitch = copy.target_stride;
  c.width_bytes = copy.row_bytes;
  c.height = copy.num_rows;
  check_result(driver().Memcpy2DAsync(&c, stream), "copying rows on the GPU");
}
void fill_bytes(void* target, unsigned char value, size_t bytes, Handle stream) {
  if (bytes > 0) check_result(driver().MemsetD8Async(address(target), value, bytes, stream), "filling memory");
}

std::shared_ptr<uint32_t> allocate_flags(const Stream& stream, size_t count) {
  if (count == 0) return nullptr;
  const size_t bytes = count * sizeof(uint32_t);
  auto flags = std::static_pointer_cast<uint32_t>(stream.device().allocate(bytes));
  fill_bytes(flags.get(), 0, bytes, stream.handle());
  stream.synchronize();
  return flags;
}

Graph::Graph(const Stream& stream, const std::function<void()>& enqueue) {
  stream.device().make_current();
  check_result(driver().StreamBeginCapture(stream.handle(), kCaptureThreadLocal), "beginning to capture a graph");
  Handle graph = nullptr;
  try {
    enqueue();
  } catch (...) {
    driver().StreamEndCapture(stream.handle(), &graph);
    if (graph != nullptr) driver().GraphDestroy(graph);
    throw;
  }
  check_result(driver().StreamEndCapture(stream.handle(), &graph), "capturing a graph");
  const Result result = driver().GraphInstantiate(&executable_, graph, 0);
  driver().GraphDestroy(graph);
  check_result(result, "instantiating a graph");
}
Graph::~Graph() {
  driver().GraphExecDestroy(executable_);
}
void Graph::launch(Handle stream) const {
  check_result(driver().GraphLaunch(executable_, stream), "launching a graph");
}

}  // namespace burnish::cuda
