#include "server_grpc/methods.h"

#include <array>

#include "server_grpc/health.h"
#include "server_grpc/malformed.h"
#include "server_grpc/methods_memory.h"
#include "server_grpc/methods_model.h"
#include "server_grpc/methods_repository.h"
#include "server_grpc/methods_settings.h"

namespace burnish::server {
namespace {

template <typename Request, typename Response, Status (*F)(InferenceServer&, const Request&, Response&)>
Status call(InferenceServer& server, std::string_view bytes, std::string& out) {
  check_message(*Request::descriptor(), bytes);
  Request request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return {StatusCode::kInvalidArgument, "malformed " + Request::descriptor()->name()};
  }
  Response response;
  Status status = F(server, request, response);
  if (status.ok()) response.SerializeToString(&out);
  return status;
}

// METHOD(ServerLive, access, slow, function)
#define METHOD(name, access, slow, function)                                \
  Method {                                                                  \
    "/inference.GRPCInferenceService/" #name, access, slow,                 \
        call<inference::name##Request, inference::name##Response, function> \
  }
constexpr auto kOpen = MethodAccess::kOpen, kUse = MethodAccess::kUse, kManage = MethodAccess::kManage;

constexpr std::array kMethods = {
    METHOD(ServerLive, kOpen, false, server_live),
    METHOD(ServerReady, kOpen, false, server_ready),
    METHOD(ModelReady, kUse, false, model_ready),
    METHOD(ServerMetadata, kUse, false, server_metadata),
    METHOD(ModelMetadata, kUse, false, model_metadata),
    METHOD(ModelConfig, kUse, false, model_config),
    METHOD(ModelStatistics, kUse, false, model_statistics),
    METHOD(RepositoryIndex, kManage, false, repository_index),
    METHOD(RepositoryModelLoad, kManage, true, load_model),
    METHOD(RepositoryModelUnload, kManage, true, unload_model),
    METHOD(SystemSharedMemoryStatus, kUse, false, shared_memory_status),
    METHOD(SystemSharedMemoryRegister, kUse, false, register_shared_memory),
    METHOD(SystemSharedMemoryUnregister, kUse, false, unregister_shared_memory),
    METHOD(CudaSharedMemoryStatus, kUse, false, cuda_memory_status),
    METHOD(CudaSharedMemoryRegister, kUse, false, register_cuda_memory),
    METHOD(CudaSharedMemoryUnregister, kUse, false, unregister_cuda_memory),
    METHOD(TraceSetting, kManage, false, trace_setting),
    METHOD(LogSettings, kManage, false, log_settings),
    Method{kHealthCheckPath, kOpen, false, check_health},
};
#undef METHOD

}  // namespace

std::span<const Method> methods() {
  return kMethods;
}

}  // namespace burnish::server
