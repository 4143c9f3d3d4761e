#include "server/ensemble.h"

#include <fmt/format.h>

#include "server/ensemble_run.h"

namespace burnish::server {
namespace {

Outcome outcome_of(StatusCode code) {
  switch (code) {
    case StatusCode::kInvalidArgument:
      return Outcome::kInvalid;
    case StatusCode::kResourceExhausted:
      return Outcome::kQueueFull;
    case StatusCode::kDeadlineExceeded:
      return Outcome::kTimedOut;
    case StatusCode::kCancelled:
      return Outcome::kCancelled;
    case StatusCode::kUnavailable:
      return Outcome::kDraining;
    default:
      return Outcome::kFailed;
  }
}

uint64_t ns_since(Clock::time_point start) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count());
}

std::vector<TensorMetadata> tensors_of(const EnsemblePlan& plan, const std::vector<size_t>& tensors) {
  std::vector<TensorMetadata> metadata;
  for (const size_t t : tensors) {
    metadata.push_back({plan.tensors[t].name, plan.tensors[t].type.datatype, plan.tensors[t].type.shape});
  }
  return metadata;
}

}  // namespace

Ensemble::Ensemble(ModelConfig config, std::string version, FindServable find)
    : config_(std::move(config)),
      version_(std::move(version)),
      find_(std::move(find)),
      plan_(std::make_shared<const EnsemblePlan>(plan_ensemble(config_, find_))) {}

Ensemble::~Ensemble() {
  drain(Clock::time_point::max());
}

void Ensemble::submit(InferRequest request, ResponseCallback done) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_draining_) ++running_;
    if (is_draining_) {
      InferResponse refused;
      refused.status = {StatusCode::kUnavailable, fmt::format("model '{}' is being unloaded", config_.name)};
      refused.model = config_.name;
      refused.version = version_;
      refused.id = request.id;
      return done(std::move(refused));
    }
  }
  const Clock::time_point received = request.received;
  const auto run = std::make_shared<EnsembleRun>(plan_, std::move(request),
                                                 [this, received, done = std::move(done)](InferResponse&& response) {
                                                   response.model = config_.name;
                                                   response.version = version_;
                                                   record(response, received);
                                                   done(std::move(response));
                                                   const std::lock_guard lock(mutex_);
                                                   if (--running_ == 0) finished_.notify_all();
                                                 });
  run->start(find_);
}

void Ensemble::record(const InferResponse& response, Clock::time_point received) {
  const uint64_t total_ns = ns_since(received);
  if (response.status.ok()) {
    Statistics::Executed executed;
    executed.timing = response.timing;
    executed.total_ns = total_ns;
    statistics_.record_execution(1, response.timing, {executed});
  } else {
    statistics_.record_rejection(outcome_of(response.status.code), total_ns);
  }
}

bool Ensemble::drain(Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  is_draining_ = true;
  const auto is_idle = [this] { return running_ == 0; };
  // Steps answer at their own deadlines; what runs beyond this one must be waited for: it answers through this.
  const bool in_time = deadline == Clock::time_point::max() || finished_.wait_until(lock, deadline, is_idle);
  finished_.wait(lock, is_idle);
  return in_time;
}

ModelMetadata Ensemble::metadata() const {
  ModelMetadata metadata;
  metadata.name = config_.name;
  metadata.versions = {version_};
  metadata.platform = "ensemble";
  metadata.inputs = tensors_of(*plan_, plan_->inputs);
  metadata.outputs = tensors_of(*plan_, plan_->outputs);
  return metadata;
}

ModelStatistics Ensemble::statistics() const {
  return state().statistics;
}

VersionState Ensemble::state() const {
  VersionState state;
  statistics_.read(state);
  state.statistics.name = config_.name;
  state.statistics.version = version_;
  state.alive_ns = ns_since(loaded_);
  state.max_batch_size = static_cast<uint64_t>(config_.max_batch_size);
  const std::lock_guard lock(mutex_);
  state.executing = running_;
  return state;
}

}  // namespace burnish::server
