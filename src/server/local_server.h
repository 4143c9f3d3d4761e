#pragma once
// The server in this process: the repository, schedulers, shared memory and observation behind InferenceServer.
#include <condition_variable>
#include <thread>

#include "server/access_log.h"
#include "server/advice.h"
#include "server/engine_cache.h"
#include "server/inference_server.h"
#include "server/log_settings.h"
#include "server/model_version.h"
#include "server/repository.h"
#include "server/shared_memory.h"
#include "server/snapshot.h"
#include "server/trace.h"

namespace burnish::server {

struct LocalServerOptions {
  RepositoryOptions repository;
  VersionOptions version;  ///< Of every version; model_folder is filled in.
  /// Looks at the repository this often; zero: at start and on refresh() only.
  std::chrono::milliseconds poll_interval{0};
  std::string engine_cache, engine_cache_salt;  ///< See EngineCache.
  BuildEngine build_engine;
  /// Engines are read into memory, so that their files may be overwritten; true: mapped, so that several servers on one
  /// machine share them, and files may only be replaced by renaming.
  bool map_engines = false;
  bool shared_memory = true;  ///< Clients may register regions.
  std::string server_version;
  std::string access_log;  ///< A file, or "-" for standard output; empty: none.
  std::string trace_file;  ///< Empty: clients cannot turn tracing on.
  TraceSettings trace;
  uint32_t verbose = 0;  ///< What is told at first; clients may change it.
};

class LocalServer final : public InferenceServer {
 public:
  explicit LocalServer(LocalServerOptions options);
  /// Drains at once.
  ~LocalServer() override;
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;

  /// Loads what the repository holds and begins to poll. Models that cannot be loaded show in the index and in
  /// is_ready(). Throws kIo when the repository itself cannot be read. May run while requests already come.
  void start();
  /// Looks at the repository again, in any control mode, and opens the access log anew. Logs instead of throwing.
  void refresh();
  /// From now on not ready, though it still serves: gateways look elsewhere.
  void announce_end() { is_ending_ = true; }
  /// From now on unavailable for new requests; those under way are finished until the deadline.
  void stop(Clock::time_point deadline);

  /// Tells the metrics how many connections are open. Before any request.
  void count_connections_with(std::function<size_t()> count) { count_connections_ = std::move(count); }

  void infer(InferRequest request, ResponseCallback done) override;
  bool is_live() const override { return true; }
  bool is_ready() const override;
  Status model_ready(std::string_view model, std::string_view version) const override;
  ServerMetadata metadata() const override;
  Status model_metadata(std::string_view model, std::string_view version, ModelMetadata& out) const override;
  Status model_config(std::string_view model, std::string_view version, std::string& json) const override;
  Status statistics(std::string_view model, std::string_view version, std::vector<ModelStatistics>& out) const override;
  std::vector<IndexEntry> repository_index(bool only_ready) const override;
  Status load_model(std::string_view model, std::string_view config_json) override;
  Status unload_model(std::string_view model, bool unload_dependents) override;
  Status register_shared_memory(const SharedMemoryRegion& region) override;
  Status unregister_shared_memory(std::string_view name) override;
  Status shared_memory_status(std::string_view name, std::vector<SharedMemoryRegion>& out) const override;
  Status register_cuda_memory(const CudaMemoryRegion& region) override;
  Status unregister_cuda_memory(std::string_view name) override;
  Status cuda_memory_status(std::string_view name, std::vector<CudaMemoryRegion>& out) const override;
  Status shared_memory(std::string_view region, uint64_t offset, uint64_t byte_size, SharedBytes& out) const override;
  Status trace_settings(std::string_view model, const Settings& change, Settings& now) override;
  Status log_settings(const Settings& change, Settings& now) override;
  std::string metrics() const override;
  std::string live_state() const override;
  void log_access(const Access& access) override;
  bool logs_access() const override { return access_log_ != nullptr; }

 private:
  std::shared_ptr<Servable> load_version(const ModelConfig& config, const ModelFolder& folder,
                                         const VersionFolder& version);
  /// A damaged file in the cache is no reason to fail.
  Engine load_or_rebuild(const ModelConfig& config, const VersionFolder& version, int device) const;
  Engine load_engine(const std::string& path, int device) const;
  std::shared_ptr<Servable> find_step(const std::string& model, int64_t version) const;
  void poll();
  Snapshot snapshot() const;

  LocalServerOptions options_;
  const Clock::time_point started_ = Clock::now();
  ServerLog log_;
  std::unique_ptr<AccessLog> access_log_;
  Tracer tracer_;
  mutable Advisor advisor_;
  std::function<size_t()> count_connections_;
  EngineCache engine_cache_;
  SharedMemoryRegistry shared_memory_;
  std::atomic<bool> is_ending_{false}, is_stopping_{false};
  std::mutex poll_mutex_;
  std::condition_variable poll_stop_;
  std::thread poll_thread_;
  Repository repository_;  ///< Last: its models use the others.
};

}  // namespace burnish::server
