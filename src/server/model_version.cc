#include "server/model_version.h"

#include <algorithm>

#include "base/error.h"
#include "server/model_setup.h"
#include "server/request_check.h"
#include "server/scheduler.h"
#include "server/warm_up.h"

namespace burnish::server {
namespace {

// Whether an item takes less than a millisecond on one thread.
bool is_quick(const ModelContext& model, const ModelConfig& config, const std::string& model_folder) {
  const ModelConfig complete = complete_config(config, model.signature, true);
  Instance instance(model, 1);
  InferTiming timing;
  for (const Batch& batch : warm_up_batches(complete, model.signature, model_folder)) {
    std::vector<InferResponse> responses;
    instance.execute(batch, responses, timing);
    constexpr uint64_t kLongNs = 10'000'000;
    if (timing.infer_ns > kLongNs) break;
  }
  constexpr uint64_t kQuickNs = 1'000'000;
  return timing.infer_ns < kQuickNs;
}

// Only where it matters: it takes an execution.
bool is_number_of_instances_open(const ModelConfig& config) {
  const auto is_open = [](const InstanceGroup& g) { return g.count == 0 && g.threads == 0; };
  return config.instance_groups.empty() || std::ranges::any_of(config.instance_groups, is_open);
}

std::shared_ptr<const ModelContext> context_of(const ModelConfig& config, const std::string& version, Engine engine,
                                               const std::string& model_folder) {
  Signature signature(engine);
  auto labels = labels_of(config, signature, model_folder);
  return std::make_shared<const ModelContext>(
      ModelContext{std::move(engine), std::move(signature), config.name, version, std::move(labels)});
}

TensorMetadata metadata_of(const TensorSpec& spec) {
  return {spec.name, std::string(kserve_name(spec.dtype)), spec.dims};
}

}  // namespace

class ModelVersion::Impl {
 public:
  Impl(const ModelConfig& config, std::shared_ptr<const ModelContext> model, const VersionOptions& options)
      : config_(complete_config(config, model->signature,
                                is_number_of_instances_open(config) && is_quick(*model, config, options.model_folder))),
        model_(std::move(model)),
        check_(config_, model_->signature) {
    SchedulerSettings settings;
    settings.instances = instance_settings(config_);
    settings.batching = config_.dynamic_batching;
    settings.max_batch = std::max(1, config_.max_batch_size);
    settings.max_queue_size = options.max_queue_size;
    settings.warm_up = [config = config_, model = model_.get(), folder = options.model_folder] {
      return warm_up_batches(config, model->signature, folder);
    };
    scheduler_ = std::make_shared<Scheduler>(model_, std::move(settings), statistics_);
    scheduler_->start();
  }
  ~Impl() { drain(Clock::now()); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void submit(InferRequest request, ResponseCallback done) {
    auto pending = std::make_unique<PendingRequest>();
    pending->request = std::move(request);
    pending->done = std::move(done);
    Status status = check_.check(*pending);
    if (!status.ok()) {
      return Scheduler::refuse(*model_, *statistics_, {std::move(pending), Outcome::kInvalid, std::move(status)});
    }
    scheduler_->submit(std::move(pending));
  }

  bool drain(Clock::time_point deadline) { return scheduler_->drain(deadline); }

  ModelMetadata metadata() const {
    ModelMetadata metadata;
    metadata.name = config_.name;
    metadata.versions = {model_->version};
    metadata.platform = config_.platform;
    for (const TensorSpec& input : model_->signature.inputs()) metadata.inputs.push_back(metadata_of(input));
    for (const TensorSpec& output : model_->signature.outputs()) metadata.outputs.push_back(metadata_of(output));
    return metadata;
  }

  VersionState state() const {
    VersionState state;
    state.statistics.name = config_.name;
    state.statistics.version = model_->version;
    state.max_batch_size = static_cast<uint64_t>(config_.max_batch_size);
    state.queue_delay_us = config_.dynamic_batching ? config_.dynamic_batching->max_queue_delay_us : 0;
    statistics_->read(state);
    scheduler_->read(state);
    return state;
  }

  const ModelConfig& config() const { return config_; }
  const std::string& version() const { return model_->version; }

 private:
  const ModelConfig config_;
  const std::shared_ptr<const ModelContext> model_;
  const std::shared_ptr<Statistics> statistics_ = std::make_shared<Statistics>();
  const RequestCheck check_;
  std::shared_ptr<Scheduler> scheduler_;
};

std::shared_ptr<ModelVersion> ModelVersion::load(const ModelConfig& config, const std::string& version,
                                                 const std::string& engine_path, const VersionOptions& options) {
  return load(config, version, Engine::load(engine_path), options);
}

std::shared_ptr<ModelVersion> ModelVersion::load(const ModelConfig& config, const std::string& version, Engine engine,
                                                 const VersionOptions& options) {
  return with_frame([&] { return fmt::format("model '{}' version {}", config.name, version); },
                    [&] {
                      auto model = context_of(config, version, std::move(engine), options.model_folder);
                      auto impl = std::make_shared<Impl>(config, std::move(model), options);
                      return std::shared_ptr<ModelVersion>(new ModelVersion(std::move(impl)));
                    });
}

ModelVersion::ModelVersion(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
ModelVersion::~ModelVersion() = default;

// A callback may give up the last reference to this version.
void ModelVersion::submit(InferRequest request, ResponseCallback done) {
  const std::shared_ptr<Impl> impl = impl_;
  impl->submit(std::move(request), std::move(done));
}

bool ModelVersion::drain(Clock::time_point deadline) {
  return impl_->drain(deadline);
}
const ModelConfig& ModelVersion::config() const {
  return impl_->config();
}
const std::string& ModelVersion::version() const {
  return impl_->version();
}
ModelMetadata ModelVersion::metadata() const {
  return impl_->metadata();
}
ModelStatistics ModelVersion::statistics() const {
  return impl_->state().statistics;
}
VersionState ModelVersion::state() const {
  return impl_->state();
}

}  // namespace burnish::server
