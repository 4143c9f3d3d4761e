#include "server_grpc/methods_memory.h"

namespace burnish::server {
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

Status cuda_memory_status(InferenceServer& server, const inference::CudaSharedMemoryStatusRequest& request,
                          inference::CudaSharedMemoryStatusResponse& response) {
  std::vector<CudaMemoryRegion> regions;
  Status status = server.cuda_memory_status(request.name(), regions);
  for (const CudaMemoryRegion& region : regions) {
    auto& added = (*response.mutable_regions())[region.name];
    added.set_name(region.name);
    added.set_device_id(static_cast<uint64_t>(region.device));
    added.set_byte_size(region.byte_size);
  }
  return status;
}

Status register_cuda_memory(InferenceServer& server, const inference::CudaSharedMemoryRegisterRequest& request,
                            inference::CudaSharedMemoryRegisterResponse&) {
  return server.register_cuda_memory({request.name(), request.raw_handle(), request.device_id(), request.byte_size()});
}

Status unregister_cuda_memory(InferenceServer& server, const inference::CudaSharedMemoryUnregisterRequest& request,
                              inference::CudaSharedMemoryUnregisterResponse&) {
  return server.unregister_cuda_memory(request.name());
}

}  // namespace burnish::server
