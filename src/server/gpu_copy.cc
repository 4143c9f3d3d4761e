#include "server/gpu_copy.h"

#include <cstring>

#include "base/tensor.h"
#include "kernels/cuda/device.h"

namespace burnish::server {

const std::byte* on_host(const Bytes& bytes, std::shared_ptr<void>& copy) {
  if (bytes.gpu < 0) return bytes.data;
  copy = allocate_aligned(bytes.size);
  cuda::copy_to_host_now(cuda::Device::get(bytes.gpu), copy.get(), bytes.data, bytes.size);
  return static_cast<const std::byte*>(copy.get());
}

void write_to(const SharedBytes& target, const Bytes& from) {
  std::shared_ptr<void> copy;
  const std::byte* data = on_host(from, copy);
  if (target.gpu >= 0) {
    cuda::copy_to_device_now(cuda::Device::get(target.gpu), target.data, data, from.size);
  } else if (from.size > 0) {
    std::memcpy(target.data, data, from.size);
  }
}

}  // namespace burnish::server
