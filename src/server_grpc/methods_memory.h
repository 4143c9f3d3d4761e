#pragma once
// Registered shared memory.
#include "grpc_service.pb.h"
#include "server/inference_server.h"

namespace burnish::server {

Status shared_memory_status(InferenceServer&, const inference::SystemSharedMemoryStatusRequest&,
                            inference::SystemSharedMemoryStatusResponse&);
Status register_shared_memory(InferenceServer&, const inference::SystemSharedMemoryRegisterRequest&,
                              inference::SystemSharedMemoryRegisterResponse&);
Status unregister_shared_memory(InferenceServer&, const inference::SystemSharedMemoryUnregisterRequest&,
                                inference::SystemSharedMemoryUnregisterResponse&);

Status cuda_memory_status(InferenceServer&, const inference::CudaSharedMemoryStatusRequest&,
                          inference::CudaSharedMemoryStatusResponse&);
Status register_cuda_memory(InferenceServer&, const inference::CudaSharedMemoryRegisterRequest&,
                            inference::CudaSharedMemoryRegisterResponse&);
Status unregister_cuda_memory(InferenceServer&, const inference::CudaSharedMemoryUnregisterRequest&,
                              inference::CudaSharedMemoryUnregisterResponse&);

}  // namespace burnish::server
