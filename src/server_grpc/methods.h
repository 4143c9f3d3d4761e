#pragma once
// The methods of one question and one answer, inference excepted, as a table: bytes in, bytes out.
#include <span>
#include <string>
#include <string_view>

#include "server/inference_server.h"

namespace burnish::server {

enum class MethodAccess {
  kOpen,   ///< Whether the server is well: needs no token.
  kUse,    ///< What clients of models need.
  kManage  ///< Changes what is served or how: only where management is allowed.
};

struct Method {
  const char* path;  ///< "/inference.GRPCInferenceService/ServerLive"
  MethodAccess access = MethodAccess::kUse;
  bool slow = false;  ///< May take seconds: not on a thread that inference waits for.
  /// Throws Error for requests that are malformed.
  Status (*call)(InferenceServer& server, std::string_view request, std::string& response) = nullptr;
};

std::span<const Method> methods();

}  // namespace burnish::server
