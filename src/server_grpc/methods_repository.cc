#include "server_grpc/methods_repository.h"

namespace burnish::server {
namespace {

Status one_repository(const std::string& named) {
  if (named.empty()) return {};
  return {StatusCode::kUnsupported, "repository_name '" + named + "': this server has one repository, leave it empty"};
}

Status unknown_parameter(const std::string& name, std::string_view known) {
  return {StatusCode::kUnsupported, "parameter '" + name + "' is not supported; " + std::string(known) + " is"};
}

}  // namespace

Status repository_index(InferenceServer& server, const inference::RepositoryIndexRequest& request,
                        inference::RepositoryIndexResponse& response) {
  Status status = one_repository(request.repository_name());
  if (!status.ok()) return status;
  for (const IndexEntry& entry : server.repository_index(request.ready())) {
    inference::RepositoryIndexResponse::ModelIndex& model = *response.add_models();
    model.set_name(entry.name);
    model.set_version(entry.version);
    model.set_state(entry.state);
    model.set_reason(entry.reason);
  }
  return {};
}

Status load_model(InferenceServer& server, const inference::RepositoryModelLoadRequest& request,
                  inference::RepositoryModelLoadResponse&) {
  Status status = one_repository(request.repository_name());
  if (!status.ok()) return status;
  std::string config;
  for (const auto& [name, value] : request.parameters()) {
    if (name != "config") return unknown_parameter(name, "'config'");
    config = value.string_param();
    if (config.empty()) return {StatusCode::kInvalidArgument, "parameter 'config' must be JSON text (string_param)"};
  }
  return server.load_model(request.model_name(), config);
}

Status unload_model(InferenceServer& server, const inference::RepositoryModelUnloadRequest& request,
                    inference::RepositoryModelUnloadResponse&) {
  Status status = one_repository(request.repository_name());
  if (!status.ok()) return status;
  bool dependents = false;
  for (const auto& [name, value] : request.parameters()) {
    if (name != "unload_dependents") return unknown_parameter(name, "'unload_dependents'");
    dependents = value.bool_param();
  }
  return server.unload_model(request.model_name(), dependents);
}

}  // namespace burnish::server
