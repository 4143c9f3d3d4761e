// The observing side of the server: metrics, live state, traces and logs.
#include "server/local_server.h"

namespace burnish::server {

Status LocalServer::trace_settings(std::string_view, const Settings&, Settings&) {
  return {StatusCode::kUnsupported, "tracing"};
}

Status LocalServer::log_settings(const Settings&, Settings&) {
  return {StatusCode::kUnsupported, "log settings"};
}

std::string LocalServer::metrics() const {
  return {};
}

std::string LocalServer::live_state() const {
  return "{}";
}

void LocalServer::log_access(const Access&) {}

}  // namespace burnish::server
