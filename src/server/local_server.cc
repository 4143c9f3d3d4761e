#include "server/local_server.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "server/config_json.h"
#include "server/ensemble.h"

namespace burnish::server {
namespace {

const char* const kExtensions[] = {"classification",
                                   "sequence",
                                   "model_repository",
                                   "model_repository(unload_dependents)",
                                   "schedule_policy",
                                   "model_configuration",
                                   "system_shared_memory",
                                   "cuda_shared_memory",
                                   "binary_tensor_data",
                                   "parameters",
                                   "statistics",
                                   "trace",
                                   "logging"};

Status no_shared_memory() {
  return {StatusCode::kUnsupported, "shared memory is turned off; start the server without --no-shared-memory"};
}

InferResponse refusal(const InferRequest& request, Status status) {
  InferResponse response;
  response.status = std::move(status);
  response.model = request.model;
  response.version = request.version;
  response.id = request.id;
  return response;
}

RepositoryOptions with_log(RepositoryOptions options, const ServerLog& log) {
  options.log = [&log](LogLevel level, const std::string& text) { log.log(level, text); };
  return options;
}

}  // namespace

LocalServer::LocalServer(LocalServerOptions options)
    : options_(std::move(options)),
      log_(options_.repository.log, options_.verbose),
      access_log_(options_.access_log.empty() ? nullptr : std::make_unique<AccessLog>(options_.access_log)),
      tracer_(options_.trace_file, options_.trace),
      engine_cache_(options_.engine_cache, options_.engine_cache_salt, options_.build_engine),
      repository_(with_log(options_.repository, log_),
                  [this](const ModelConfig& config, const ModelFolder& folder, const VersionFolder& version) {
                    return load_version(config, folder, version);
                  }) {}

LocalServer::~LocalServer() {
  stop(Clock::now());
}

void LocalServer::start() {
  repository_.load_startup_models();
  if (options_.poll_interval.count() > 0) poll_thread_ = std::thread([this] { poll(); });
}

void LocalServer::poll() {
  std::unique_lock lock(poll_mutex_);
  while (!poll_stop_.wait_for(lock, options_.poll_interval, [this] { return is_stopping_.load(); })) {
    lock.unlock();
    refresh();
    lock.lock();
  }
}

void LocalServer::refresh() {
  if (access_log_) access_log_->reopen();
  try {
    repository_.refresh();
  } catch (const std::exception& error) {
    log_.log(LogLevel::kError, error.what());
  }
}

void LocalServer::stop(Clock::time_point deadline) {
  {
    const std::lock_guard lock(poll_mutex_);
    is_stopping_ = true;
  }
  poll_stop_.notify_all();
  if (poll_thread_.joinable()) poll_thread_.join();
  repository_.drain(deadline);
}

std::shared_ptr<Servable> LocalServer::load_version(const ModelConfig& config, const ModelFolder& folder,
                                                    const VersionFolder& version) {
  const std::string number = std::to_string(version.number);
  if (!config.ensemble.empty()) {
    return std::make_shared<Ensemble>(
        config, number, [this](const std::string& model, int64_t wanted) { return find_step(model, wanted); });
  }
  VersionOptions options = options_.version;
  options.model_folder = folder.path;
  return ModelVersion::load(
      config, number, [&](int device) { return load_or_rebuild(config, version, device); }, options);
}

Engine LocalServer::load_or_rebuild(const ModelConfig& config, const VersionFolder& version, int device) const {
  const std::string path = engine_cache_.engine_of(version, config);
  try {
    return load_engine(path, device);
  } catch (const std::exception&) {
    if (!engine_cache_.discard(path)) throw;
  }
  return load_engine(engine_cache_.engine_of(version, config), device);
}

Engine LocalServer::load_engine(const std::string& path, int device) const {
  if (options_.map_engines) return Engine::load(path, device);
  return with_frame([&] { return fmt::format("'{}'", path); },
                    [&] {
                      try {
                        return Engine::deserialize(MappedFile::open(path)->bytes(), device);
                      } catch (const Exception& error) {
                        throw Error(ErrorCode::kMismatch, error.what());
                      }
                    });
}

std::shared_ptr<Servable> LocalServer::find_step(const std::string& model, int64_t version) const {
  Status status;
  return repository_.find(model, version < 0 ? std::string() : std::to_string(version), status);
}

void LocalServer::infer(InferRequest request, ResponseCallback done) {
  if (is_stopping_.load(std::memory_order_relaxed)) {
    return done(refusal(request, {StatusCode::kUnavailable, "the server is shutting down"}));
  }
  done = tracer_.follow(request, std::move(done));
  Status status;
  const std::shared_ptr<Servable> version = repository_.find(request.model, request.version, status);
  if (version == nullptr) return done(refusal(request, std::move(status)));
  version->submit(std::move(request), std::move(done));
}

bool LocalServer::is_ready() const {
  return !is_ending_ && !is_stopping_ && repository_.is_ready();
}

Status LocalServer::model_ready(std::string_view model, std::string_view version) const {
  Status status;
  if (is_stopping_) return {StatusCode::kUnavailable, "the server is shutting down"};
  repository_.find(model, version, status);
  return status;
}

ServerMetadata LocalServer::metadata() const {
  ServerMetadata metadata;
  metadata.version = options_.server_version;
  metadata.extensions.assign(std::begin(kExtensions), std::end(kExtensions));
  return metadata;
}

Status LocalServer::model_metadata(std::string_view model, std::string_view version, ModelMetadata& out) const {
  Status status;
  const std::shared_ptr<Servable> found = repository_.find(model, version, status);
  if (found == nullptr) return status;
  out = found->metadata();
  out.versions.clear();
  for (const auto& each : repository_.versions_of(model)) out.versions.push_back(each->version());
  return {};
}

Status LocalServer::model_config(std::string_view model, std::string_view version, std::string& json) const {
  Status status;
  const std::shared_ptr<Servable> found = repository_.find(model, version, status);
  if (found != nullptr) json = to_json(found->config());
  return status;
}

Status LocalServer::statistics(std::string_view model, std::string_view version,
                               std::vector<ModelStatistics>& out) const {
  Status status;
  if (model.empty()) {
    for (const auto& each : repository_.all()) out.push_back(each->statistics());
  } else if (!version.empty()) {
    if (const auto found = repository_.find(model, version, status)) out.push_back(found->statistics());
  } else if (repository_.find(model, version, status) != nullptr) {
    for (const auto& each : repository_.versions_of(model)) out.push_back(each->statistics());
  }
  return status;
}

std::vector<IndexEntry> LocalServer::repository_index(bool only_ready) const {
  return repository_.index(only_ready);
}

Status LocalServer::load_model(std::string_view model, std::string_view config_json) {
  if (is_stopping_) return {StatusCode::kUnavailable, "the server is shutting down"};
  return repository_.load(std::string(model), std::string(config_json));
}

Status LocalServer::unload_model(std::string_view model, bool unload_dependents) {
  return repository_.unload(std::string(model), unload_dependents);
}

// Without the permission there are no regions, and so nothing that the other functions could find.
Status LocalServer::register_shared_memory(const SharedMemoryRegion& region) {
  return options_.shared_memory ? shared_memory_.add(region) : no_shared_memory();
}

Status LocalServer::unregister_shared_memory(std::string_view name) {
  return shared_memory_.remove(name, MemoryKind::kSystem);
}

Status LocalServer::shared_memory_status(std::string_view name, std::vector<SharedMemoryRegion>& out) const {
  return shared_memory_.list(name, out);
}

Status LocalServer::register_cuda_memory(const CudaMemoryRegion& region) {
  return options_.shared_memory ? shared_memory_.add(region) : no_shared_memory();
}

Status LocalServer::unregister_cuda_memory(std::string_view name) {
  return shared_memory_.remove(name, MemoryKind::kCuda);
}

Status LocalServer::cuda_memory_status(std::string_view name, std::vector<CudaMemoryRegion>& out) const {
  return shared_memory_.list(name, out);
}

Status LocalServer::shared_memory(std::string_view region, uint64_t offset, uint64_t byte_size,
                                  SharedBytes& out) const {
  return shared_memory_.find(region, offset, byte_size, out);
}

}  // namespace burnish::server
