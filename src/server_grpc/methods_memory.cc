#include "server_grpc/methods_memory.h"

namespace burnish::server {
namespace {

Status no_cuda_region(const std::string& name) {
  if (name.empty()) return {};
  return {StatusCode::kNotFound, "CUDA shared memory region '" + name + "' is not registered"};
}

}  // namespace

Status shared_memory_status(InferenceServer& server, const inference::SystemSharedMemoryStatusRequest& request,
                            inference::SystemSharedMemoryStatusResponse& response) {
  std::vector<SharedMemoryRegion> regions;
  Status status = server.shared_memory_status(request.name(), regions);
  for (const SharedMemoryRegion& region : regions) {
    auto& added = (*response.mutable_regions())[region.name];
    added.set_name(region.name);
    added.set_key(region.key);
    added.set_offset(region.offset);
    added.set_byte_size(region.byte_size);
  }
  return status;
}

Status register_shared_memory(InferenceServer& server, const inference::SystemSharedMemoryRegisterRequest& request,
                              inference::SystemSharedMemoryRegisterResponse&) {
  return server.register_shared_memory({request.name(), request.key(), request.offset(), request.byte_size()});
}

Status unregister_shared_memory(InferenceServer& server, const inference::SystemSharedMemoryUnregisterRequest& request,
                                inference::SystemSharedMemoryUnregisterResponse&) {
  return server.unregister_shared_memory(request.name());
}

Status cuda_memory_status(InferenceServer&, const inference::CudaSharedMemoryStatusRequest& request,
                          inference::CudaSharedMemoryStatusResponse&) {
  return no_cuda_region(request.name());
}

Status register_cuda_memory(InferenceServer&, const inference::CudaSharedMemoryRegisterRequest& request,
                            inference::CudaSharedMemoryRegisterResponse&) {
  return {StatusCode::kUnsupported, "CUDA shared memory region '" + request.name() +
                                        "': this server does not take CUDA shared memory; use system shared memory"};
}

Status unregister_cuda_memory(InferenceServer&, const inference::CudaSharedMemoryUnregisterRequest& request,
                              inference::CudaSharedMemoryUnregisterResponse&) {
  return no_cuda_region(request.name());
}

}  // namespace burnish::server
