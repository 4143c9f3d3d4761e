#pragma once
// One loaded version of a model: its engine, the instances that execute it and the queue before them.
#include <burnish/engine.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "server/inference_server.h"
#include "server/model_config.h"
#include "server/request.h"
#include "server/servable.h"

namespace burnish::server {

class ResponseCache;  // server/response_cache.h

/// What a version is loaded with beside its configuration.
struct VersionOptions {
  std::string model_folder;                       ///< For label files and warm-up data; empty: there are none.
  uint32_t max_queue_size = 4096;                 ///< Of each priority, where the configuration gives no bound.
  uint32_t max_sequences = 4096;                  ///< Open at once.
  std::shared_ptr<ResponseCache> response_cache;  ///< Shared by all models that ask for one; null: none.
};

using LoadEngine = std::function<Engine(int device)>;

/// Thread-safe. Answers may arrive on any thread, also before submit() returns: where an instance is free and the model
/// is quick, the caller executes.
class ModelVersion final : public Servable {
 public:
  /// Checks the configuration against the engine, makes the instances and warms them up. Throws burnish::Error or
  /// burnish::Exception; what() names the field, the reason and the next step. Of ensembles nothing is known here.
  static std::shared_ptr<ModelVersion> load(const ModelConfig& config, const std::string& version, Engine engine,
                                            const VersionOptions& options = {});
  /// Loads an engine for each GPU that the instance groups name (for 0 otherwise).
  static std::shared_ptr<ModelVersion> load(const ModelConfig& config, const std::string& version,
                                            const LoadEngine& load_engine, const VersionOptions& options = {});
  /// Like drain() with a deadline that is over. Answers keep their memory as long as they need it.
  ~ModelVersion() override;
  ModelVersion(const ModelVersion&) = delete;
  ModelVersion& operator=(const ModelVersion&) = delete;

  /// Checks the request and answers it exactly once. The names in it (model, version) are taken as they are, except
  /// that the answer carries this version's.
  void submit(InferRequest request, ResponseCallback done) override;

  /// Takes no more requests (kUnavailable) and waits until the ones that it has are answered. At the deadline those
  /// that still wait are refused (kUnavailable); those being executed are waited for. Then the instances and their
  /// memory are given back. True when nothing had to be refused. Further calls do nothing. Not from a ResponseCallback.
  bool drain(Clock::time_point deadline) override;

  /// With everything filled in that was inferred from the engine: max_batch_size, inputs, outputs (dims, data_type),
  /// instance groups.
  const ModelConfig& config() const override;
  const std::string& version() const override;
  /// Of this version only. Without the tensors that the sequence batcher handles (controls and states).
  ModelMetadata metadata() const override;
  ModelStatistics statistics() const override;
  VersionState state() const override;

 private:
  class Impl;
  explicit ModelVersion(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace burnish::server
