#pragma once
// A pipeline of models that serves like one: each step starts as soon as its inputs are there, and reads them where the
// step before has left them.
#include <condition_variable>
#include <mutex>

#include "server/ensemble_plan.h"
#include "server/model_config.h"
#include "server/servable.h"

namespace burnish::server {

class Ensemble final : public Servable {
 public:
  /// find is called while loading and at the start of every request, and must work as long as this lives. Throws as
  /// plan_ensemble() does.
  Ensemble(ModelConfig config, std::string version, FindServable find);
  ~Ensemble() override;

  /// A request that fails names the step that failed it.
  void submit(InferRequest request, ResponseCallback done) override;
  bool drain(Clock::time_point deadline) override;
  const ModelConfig& config() const override { return config_; }
  const std::string& version() const override { return version_; }
  ModelMetadata metadata() const override;
  ModelStatistics statistics() const override;
  VersionState state() const override;

 private:
  void record(const InferResponse& response, Clock::time_point received);
  ModelConfig config_;
  std::string version_;
  FindServable find_;
  std::shared_ptr<const EnsemblePlan> plan_;
  Statistics statistics_;
  Clock::time_point loaded_ = Clock::now();
  mutable std::mutex mutex_;
  std::condition_variable finished_;
  size_t running_ = 0;
  bool is_draining_ = false;
};

}  // namespace burnish::server
