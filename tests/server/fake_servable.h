#pragma once
// A model version that a test looks into: answers at once, or holds its answers back.
#include <atomic>
#include <mutex>
#include <vector>

#include "server/model_config.h"
#include "server/servable.h"

namespace burnish::server {

class FakeServable final : public Servable {
 public:
  FakeServable(ModelConfig config, std::string version, ModelMetadata metadata = {})
      : config_(std::move(config)), version_(std::move(version)), metadata_(std::move(metadata)) {
    ++alive;
  }
  ~FakeServable() override { --alive; }

  void submit(InferRequest request, ResponseCallback done) override {
    if (is_drained) {
      InferResponse refused;
      refused.status = {StatusCode::kUnavailable, "drained"};
      return done(std::move(refused));
    }
    if (answer) return done(answer(std::move(request)));
    const std::lock_guard lock(mutex_);
    held.emplace_back(std::move(request), std::move(done));
  }
  bool drain(Clock::time_point) override {
    is_drained = true;
    return true;
  }
  const ModelConfig& config() const override { return config_; }
  const std::string& version() const override { return version_; }
  ModelMetadata metadata() const override { return metadata_; }
  ModelStatistics statistics() const override { return {}; }
  VersionState state() const override { return {}; }

  std::function<InferResponse(InferRequest)> answer;
  std::vector<std::pair<InferRequest, ResponseCallback>> held;
  std::atomic<bool> is_drained{false};
  static inline std::atomic<int> alive{0};

 private:
  ModelConfig config_;
  std::string version_;
  ModelMetadata metadata_;
  std::mutex mutex_;
};

}  // namespace burnish::server
