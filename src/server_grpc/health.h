#pragma once
// gRPC's health checking protocol (grpc.health.v1): what Kubernetes and gateways probe.
#include <string>
#include <string_view>

#include "server/inference_server.h"

namespace burnish::server {

inline constexpr const char* kHealthCheckPath = "/grpc.health.v1.Health/Check";

/// Of the server as a whole (""), or of the service "inference.GRPCInferenceService": serving when the server is ready.
Status check_health(InferenceServer& server, std::string_view request, std::string& response);

}  // namespace burnish::server
