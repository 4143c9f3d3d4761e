#pragma once
// From a request's method and target to what is asked for.
#include <string>
#include <string_view>

#include "server/request.h"
#include "server_http/request_reader.h"

namespace burnish::server::http {

enum class Endpoint {
  kServerLive,
  kServerReady,
  kServerMetadata,
  kModelMetadata,
  kModelReady,
  kModelConfig,
  kModelStatistics,
  kInfer,
  kRepositoryIndex,
  kRepositoryLoad,
  kRepositoryUnload,
  kTraceSetting,
  kLogSetting,
  kSharedMemoryStatus,
  kSharedMemoryRegister,
  kSharedMemoryUnregister,
  kCudaSharedMemoryStatus,
  kCudaSharedMemoryRegister,
  kCudaSharedMemoryUnregister,
  kMetrics,
  kLiveState,
  kLivePage
};

/// Who may ask.
enum class Access { kOpen, kInference, kManagement };

struct Route {
  Endpoint endpoint = Endpoint::kServerLive;
  Access access = Access::kOpen;
  std::string model, version;  ///< Percent-decoded and checked.
  std::string region;          ///< Of shared memory; empty: all.
};

struct RouteResult {
  int status = 200;        ///< 404, 405 or 400 otherwise.
  std::string message;     ///< What is wrong.
  std::string_view allow;  ///< With 405: the methods that the target takes.
};

/// Names are checked here: models' by is_model_name(), regions' for '/', control characters, "." and "..", and length.
RouteResult route(Method method, std::string_view target, Route& out);

}  // namespace burnish::server::http
