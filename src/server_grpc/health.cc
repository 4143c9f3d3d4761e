#include "server_grpc/health.h"

#include "server_grpc/wire.h"

namespace burnish::server {
namespace {

constexpr uint64_t kServing = 1, kNotServing = 2;  // HealthCheckResponse.ServingStatus

}  // namespace

Status check_health(InferenceServer& server, std::string_view request, std::string& response) {
  std::string_view service;
  wire::Field field;
  for (wire::Reader reader(request); reader.next(field);) {
    if (field.number == 1) service = wire::text_of(field, "service");
  }
  if (!service.empty() && service != "inference.GRPCInferenceService") {
    return {StatusCode::kNotFound, "there is no service '" + std::string(service) + "' here"};
  }
  wire::Message message;
  message.add_varint(1, server.is_ready() ? kServing : kNotServing);
  response = message.text();
  return {};
}

}  // namespace burnish::server
