#include "server/model_version.h"

#include <algorithm>
#include <atomic>

#include "base/error.h"
#include "server/model_setup.h"
#include "server/request_check.h"
#include "server/response_cache.h"
#include "server/response_order.h"
#include "server/scheduler.h"
#include "server/sequence_batcher.h"
#include "server/warm_up.h"

namespace burnish::server {
namespace {

// Whether an item takes less than a millisecond: as the tuner measured, else as an execution on one thread shows.
bool is_quick(const ModelContext& model, const ModelConfig& config, const std::string& model_folder) {
  constexpr double kQuickUs = 1000;
  const double predicted_us = model.signature.predicted_us();
  const ModelConfig complete = complete_config(config, model.signature, true);
  if (predicted_us > 0) {
    const int64_t items = complete.max_batch_size > 0 ? model.signature.optimum(0)[0] : 1;
    return predicted_us / static_cast<double>(std::max<int64_t>(1, items)) < kQuickUs;
  }
  Instance instance(model, model.engines.begin()->first, 1);
  const auto batches = warm_up_batches(complete, model.signature, model_folder);
  std::vector<InferResponse> responses;
  InferTiming timing;
  for (int run = 0; run < 2; ++run) instance.execute(batches[0], responses, timing);
  return static_cast<double>(timing.infer_ns) < kQuickUs * 1000;
}

// Only where it matters: it takes an execution.
bool is_number_of_instances_open(const ModelConfig& config) {
  const auto is_open = [](const InstanceGroup& g) { return g.count == 0 && g.threads == 0; };
  return config.instance_groups.empty() || std::ranges::any_of(config.instance_groups, is_open);
}

std::shared_ptr<const ModelContext> context_of(const ModelConfig& config, const std::string& version,
                                               const LoadEngine& load_engine, const std::string& model_folder) {
  std::map<int, Engine> engines;
  for (const int device : devices_of(config)) engines.emplace(device, load_engine(device));
  Signature signature(engines.begin()->second);
  auto labels = labels_of(config, signature, model_folder);
  return std::make_shared<const ModelContext>(
      ModelContext{std::move(engines), std::move(signature), config.name, version, std::move(labels)});
}

TensorMetadata metadata_of(const TensorSpec& spec) {
  return {spec.name, std::string(kserve_name(spec.dtype)), spec.dims};
}

// No two loaded versions have the same one, even of the same name and version.
uint64_t new_cache_owner() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1);
}

uint64_t nanoseconds_since(Clock::time_point begin) {
  const auto duration = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin);
  return static_cast<uint64_t>(std::max<int64_t>(0, duration.count()));
}

}  // namespace

class ModelVersion::Impl {
 public:
  Impl(const ModelConfig& config, std::shared_ptr<const ModelContext> model, const VersionOptions& options);
  ~Impl() { drain(Clock::now()); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void submit(InferRequest&& request, ResponseCallback&& done);
  bool drain(Clock::time_point deadline);
  ModelMetadata metadata() const;
  VersionState state() const;
  const ModelConfig& config() const { return config_; }
  const std::string& version() const { return model_->version; }

 private:
  void start_scheduler(const VersionOptions& options);
  void execute(InferRequest&& request, ResponseCallback&& done);
  bool answer_from_cache(PendingRequest& pending);
  void refuse(InferRequest&& request, ResponseCallback&& done, Status&& status);

  const ModelConfig config_;
  const std::shared_ptr<const ModelContext> model_;
  const std::shared_ptr<Statistics> statistics_ = std::make_shared<Statistics>();
  const RequestCheck check_;
  const std::shared_ptr<ResponseCache> cache_;  // null: none
  const uint64_t cache_owner_ = new_cache_owner();
  std::shared_ptr<ResponseOrder> order_;        // null: as they are ready
  std::shared_ptr<SequenceBatcher> sequences_;  // null: none
  std::shared_ptr<Scheduler> scheduler_;
};

ModelVersion::Impl::Impl(const ModelConfig& config, std::shared_ptr<const ModelContext> model,
                         const VersionOptions& options)
    : config_(complete_config(config, model->signature,
                              !model->signature.is_for_gpu() && is_number_of_instances_open(config) &&
                                  is_quick(*model, config, options.model_folder))),
      model_(std::move(model)),
      check_(config_, model_->signature),
      cache_(config_.response_cache ? options.response_cache : nullptr) {
  start_scheduler(options);
  if (config_.dynamic_batching && config_.dynamic_batching->preserve_ordering) {
    order_ = std::make_shared<ResponseOrder>();
  }
  if (!config_.sequence_batching) return;
  sequences_ = std::make_shared<SequenceBatcher>(
      *config_.sequence_batching, model_->signature, config_.max_batch_size > 0,
      SequenceLimits{options.max_sequences, options.max_queue_size},
      [this](InferRequest&& request, ResponseCallback&& done) { execute(std::move(request), std::move(done)); });
}

void ModelVersion::Impl::start_scheduler(const VersionOptions& options) {
  SchedulerSettings settings;
  settings.instances = instance_settings(config_);
  settings.batching = config_.dynamic_batching;
  if (config_.sequence_batching) settings.batching.emplace();
  settings.max_batch = std::max(1, config_.max_batch_size);
  settings.max_queue_size = options.max_queue_size;
  settings.warm_up = [config = config_, model = model_.get(), folder = options.model_folder] {
    return warm_up_batches(config, model->signature, folder);
  };
  scheduler_ = std::make_shared<Scheduler>(model_, std::move(settings), statistics_);
  scheduler_->start();
}

void ModelVersion::Impl::submit(InferRequest&& request, ResponseCallback&& done) {
  if (order_) done = order_->next(std::move(done));
  if (!sequences_) return execute(std::move(request), std::move(done));
  Status status = sequences_->submit(request, done);
  if (!status.ok()) refuse(std::move(request), std::move(done), std::move(status));
}

void ModelVersion::Impl::execute(InferRequest&& request, ResponseCallback&& done) {
  auto pending = std::make_unique<PendingRequest>();
  pending->request = std::move(request);
  pending->done = std::move(done);
  Status status = check_.check(*pending);
  if (!status.ok()) {
    return Scheduler::refuse(*model_, *statistics_, {std::move(pending), Outcome::kInvalid, std::move(status)});
  }
  if (cache_ && ResponseCache::is_cacheable(pending->request) && answer_from_cache(*pending)) return;
  scheduler_->submit(std::move(pending));
}

// False when it is not there: then its answer will be.
bool ModelVersion::Impl::answer_from_cache(PendingRequest& pending) {
  const auto begin = Clock::now();
  const ResponseCache::Key key = ResponseCache::key_of(cache_owner_, pending.request);
  InferResponse response;
  if (!cache_->find(key, response)) {
    pending.missed_cache = true;
    pending.cache_ns = nanoseconds_since(begin);
    pending.done = [cache = cache_, key, owner = cache_owner_, done = std::move(pending.done)](InferResponse&& answer) {
      if (answer.status.ok()) cache->insert(key, owner, answer);
      done(std::move(answer));
    };
    return false;
  }
  response.model = model_->name;
  response.version = model_->version;
  response.id = std::move(pending.request.id);
  for (size_t o = 0; o < pending.request.outputs.size(); ++o) {
    response.outputs[o].binary = pending.request.outputs[o].binary;
  }
  statistics_->record_cache_hit(nanoseconds_since(begin), nanoseconds_since(pending.request.received));
  pending.done(std::move(response));
  return true;
}

void ModelVersion::Impl::refuse(InferRequest&& request, ResponseCallback&& done, Status&& status) {
  auto pending = std::make_unique<PendingRequest>();
  pending->request = std::move(request);
  pending->done = std::move(done);
  const Outcome outcome = status.code == StatusCode::kResourceExhausted ? Outcome::kQueueFull
                          : status.code == StatusCode::kUnavailable     ? Outcome::kDraining
                                                                        : Outcome::kInvalid;
  Scheduler::refuse(*model_, *statistics_, {std::move(pending), outcome, std::move(status)});
}

bool ModelVersion::Impl::drain(Clock::time_point deadline) {
  const auto unloaded = [this](InferRequest&& request, ResponseCallback&& done) {
    refuse(std::move(request), std::move(done), {StatusCode::kUnavailable, "unloaded before the request's turn came"});
  };
  const bool executed_all = !sequences_ || sequences_->drain(deadline, unloaded);
  const bool answered_all = scheduler_->drain(deadline) && executed_all;
  if (cache_) cache_->erase(cache_owner_);
  return answered_all;
}

ModelMetadata ModelVersion::Impl::metadata() const {
  ModelMetadata metadata;
  metadata.name = config_.name;
  metadata.versions = {model_->version};
  metadata.platform = config_.platform;
  for (const TensorSpec& input : model_->signature.inputs()) {
    if (!sequences_ || !sequences_->is_hidden_input(input.name)) metadata.inputs.push_back(metadata_of(input));
  }
  for (const TensorSpec& output : model_->signature.outputs()) {
    if (!sequences_ || !sequences_->is_hidden_output(output.name)) metadata.outputs.push_back(metadata_of(output));
  }
  return metadata;
}

VersionState ModelVersion::Impl::state() const {
  VersionState state;
  state.statistics.name = config_.name;
  state.statistics.version = model_->version;
  state.max_batch_size = static_cast<uint64_t>(config_.max_batch_size);
  state.queue_delay_us = config_.dynamic_batching ? config_.dynamic_batching->max_queue_delay_us : 0;
  state.open_sequences = sequences_ ? sequences_->num_open() : 0;
  statistics_->read(state);
  scheduler_->read(state);
  return state;
}

std::shared_ptr<ModelVersion> ModelVersion::load(const ModelConfig& config, const std::string& version, Engine engine,
                                                 const VersionOptions& options) {
  return load(
      config, version, [&engine](int) { return engine; }, options);
}

std::shared_ptr<ModelVersion> ModelVersion::load(const ModelConfig& config, const std::string& version,
                                                 const LoadEngine& load_engine, const VersionOptions& options) {
  return with_frame([&] { return fmt::format("model '{}' version {}", config.name, version); },
                    [&] {
                      auto model = context_of(config, version, load_engine, options.model_folder);
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
