// The observing side of the server: metrics, live state, traces and logs.
#include <algorithm>

#include "server/live_state.h"
#include "server/local_server.h"
#include "server/metrics_text.h"

namespace burnish::server {
namespace {

uint64_t us(Clock::duration duration) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

}  // namespace

Snapshot LocalServer::snapshot() const {
  Snapshot now;
  now.version = options_.server_version;
  now.ready = is_ready();
  now.time_us = us(Clock::now().time_since_epoch());
  now.uptime_us = us(Clock::now() - started_);
  now.memory_bytes = resident_bytes();
  if (count_connections_) now.connections = count_connections_();
  const std::vector<std::shared_ptr<Servable>> versions = repository_.all();
  for (IndexEntry& entry : repository_.index(/*only_ready=*/false)) {
    const auto found = std::ranges::find_if(versions, [&](const auto& version) {
      return version->config().name == entry.name && version->version() == entry.version;
    });
    Snapshot::Model& model = now.models.emplace_back();
    model.entry = std::move(entry);
    if (found != versions.end()) model.state = (*found)->state();
  }
  return now;
}

Status LocalServer::trace_settings(std::string_view model, const Settings& change, Settings& now) {
  Status status;
  if (!model.empty() && repository_.find(model, {}, status) == nullptr) return status;
  return tracer_.settings(model, change, now);
}

Status LocalServer::log_settings(const Settings& change, Settings& now) {
  return log_.settings(change, now);
}

std::string LocalServer::metrics() const {
  Snapshot now = snapshot();
  now.gpus = cuda::read_gpus();
  return metrics_text(now);
}

std::string LocalServer::live_state() const {
  return live_state_json(snapshot(), advisor_, Clock::now());
}

void LocalServer::log_access(const Access& access) {
  if (access_log_) access_log_->write(access);
}

}  // namespace burnish::server
