#include "runtime/device_copies.h"

#include <map>

#include "kernels/cuda/launch.h"

namespace burnish {
namespace {

constexpr size_t kDeviceAlignment = 256;

}  // namespace

DeviceCopies copy_to_device(std::span<const std::span<const std::byte>> ranges, const Target& target) {
  std::map<std::pair<const std::byte*, size_t>, size_t> offsets;
  size_t total = 0;
  for (const auto& range : ranges) {
    if (!offsets.try_emplace({range.data(), range.size()}, total).second) continue;
    total += (range.size() + kDeviceAlignment) / kDeviceAlignment * kDeviceAlignment;
  }
  const cuda::Device& device = cuda::device_of(target);
  DeviceCopies copies{device.allocate(total), {}};
  const cuda::Stream stream(device);
  for (const auto& [range, offset] : offsets) {
    cuda::copy_to_device(static_cast<std::byte*>(copies.owner.get()) + offset, range.first, range.second,
                         stream.handle());
  }
  stream.synchronize();
  for (const auto& range : ranges) {
    copies.addresses.push_back(static_cast<std::byte*>(copies.owner.get()) + offsets.at({range.data(), range.size()}));
  }
  return copies;
}

}  // namespace burnish
