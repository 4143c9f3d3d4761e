#include "kernels/cuda/launch.h"

#include <map>
#include <mutex>

#include "base/hash.h"

namespace burnish::cuda {
namespace {

constexpr size_t kDefaultSharedBytes = 48 << 10;

std::shared_ptr<void> load_module(const Device& device, PackedView cubin) {
  device.make_current();
  Handle module = nullptr;
  check_result(driver().ModuleLoadData(&module, cubin.data()), "loading machine code");
  return {module, [&device](void* m) {
            device.try_make_current();
            driver().ModuleUnload(m);
          }};
}

/// Kernels of equal code share a module, whatever engine they belong to.
std::shared_ptr<void> shared_module(const Device& device, PackedView cubin) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<void>> known;
  const std::string key = std::to_string(device.ordinal()) + "/" + hash128_hex(cubin);
  const std::lock_guard lock(mutex);
  std::weak_ptr<void>& slot = known[key];
  std::shared_ptr<void> module = slot.lock();
  if (!module) slot = module = load_module(device, cubin);
  return module;
}

}  // namespace

Function::Function(const Device& device, PackedView cubin, const std::string& entry, size_t max_shared_bytes)
    : module_(shared_module(device, cubin)), device_(&device) {
  check_result(driver().ModuleGetFunction(&function_, module_.get(), entry.c_str()),
               fmt::format("looking for {} in machine code", entry));
  if (max_shared_bytes > kDefaultSharedBytes) {
    check_result(driver().FuncSetAttribute(function_, kFunctionMaxDynamicShared, static_cast<int>(max_shared_bytes)),
                 fmt::format("giving {} {} bytes of shared memory", entry, max_shared_bytes));
  }
}

void Function::launch(const LaunchShape& shape, Parameters& parameters, void* stream) const {
  std::array<LaunchAttribute, 2> attributes;
  LaunchConfig config;
  config.grid_x = static_cast<unsigned>(shape.grid_x);
  config.grid_y = static_cast<unsigned>(shape.grid_y);
  config.grid_z = static_cast<unsigned>(shape.grid_z);
  config.block_x = static_cast<unsigned>(shape.block_x);
  config.block_y = static_cast<unsigned>(shape.block_y);
  config.shared_bytes = static_cast<unsigned>(shape.shared_bytes);
  config.stream = stream;
  config.attributes = attributes.data();
  if (shape.waits && device_->info().sm >= 90) {
    attributes[config.num_attributes].id = LaunchAttribute::kProgrammaticStreamSerialization;
    attributes[config.num_attributes++].value.programmatic_stream_serialization = 1;
  }
  if (shape.cluster_x > 1) {
    attributes[config.num_attributes].id = LaunchAttribute::kClusterDimension;
    attributes[config.num_attributes++].value.cluster = {static_cast<unsigned>(shape.cluster_x), 1, 1};
  }
  device_->make_current();
  check_result(driver().LaunchKernelEx(&config, function_, parameters.data(), nullptr), "launching a kernel");
}

int Function::num_registers() const {
  int value = 0;
  check_result(driver().FuncGetAttribute(&value, kFunctionRegisters, function_), "asking for a function's registers");
  return value;
}

const Device& device_of(const Target& target) {
  return Device::get(target.device);
}

}  // namespace burnish::cuda
