#pragma once
// An InferenceServer without engines, for tests of protocols. It serves three models, each of version 1:
//   identity  output OUTPUT<k> is input INPUT<k>; answers on the calling thread
//   delayed   the same from another thread, after `delay`; kCancelled when nobody waits any more
//   broken    answers `broken_status`
// Everything that was asked of it is kept to be looked at.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/inference_server.h"

namespace burnish::server::testing {

class FakeServer : public InferenceServer {
 public:
  std::atomic<bool> live = true, ready = true;
  std::atomic<int> num_cancelled = 0;
  std::chrono::milliseconds delay{20};
  Status broken_status{StatusCode::kResourceExhausted, "model 'broken': the queue is full (8 requests)"};
  std::string config_json = R"({"name":"identity","max_batch_size":8})";
  std::string live_json = R"({"models":[]})";

  ~FakeServer() override {
    for (std::thread& thread : threads_) thread.join();
  }

  /// The last request without its data, and how many there were.
  InferRequest last_request() const {
    const std::lock_guard lock(mutex_);
    return last_request_;
  }
  size_t num_requests() const {
    const std::lock_guard lock(mutex_);
    return num_requests_;
  }
  std::vector<std::string> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  /// "protocol method target model id status"
  std::vector<std::string> access_log() const {
    const std::lock_guard lock(mutex_);
    return access_log_;
  }

  void infer(InferRequest request, ResponseCallback done) override {
    note(request);
    const Status found = model_ready(request.model, request.version);
    if (!found.ok()) return fail(request, found, done);
    if (request.model == "broken") return fail(request, broken_status, done);
    if (request.model == "identity") return done(identity(request));
    const std::lock_guard lock(mutex_);
    threads_.emplace_back([this, request = std::move(request), done = std::move(done)]() mutable {
      std::this_thread::sleep_for(delay);
      if (request.cancelled && request.cancelled->load()) {
        ++num_cancelled;
        return fail(request, {StatusCode::kCancelled, "the client has gone"}, done);
      }
      done(identity(request));
    });
  }

  bool is_live() const override { return live; }
  bool is_ready() const override { return ready; }
  Status model_ready(std::string_view model, std::string_view version) const override {
    if (model != "identity" && model != "delayed" && model != "broken") {
      return {StatusCode::kNotFound, "model '" + std::string(model) + "' is not in the repository"};
    }
    if (!version.empty() && version != "1") {
      return {StatusCode::kNotFound,
              "model '" + std::string(model) + "' has no version '" + std::string(version) + "'"};
    }
    return {};
  }
  ServerMetadata metadata() const override { return {"burnish", "0.1.0", {"binary_tensor_data", "classification"}}; }
  Status model_metadata(std::string_view model, std::string_view version, ModelMetadata& out) const override {
    out.name = model;
    out.versions = {"1"};
    out.inputs = {{"INPUT0", "FP32", {-1, 16}}};
    out.outputs = {{"OUTPUT0", "FP32", {-1, 16}}};
    return model_ready(model, version);
  }
  Status model_config(std::string_view model, std::string_view version, std::string& json) const override {
    json = config_json;
    return model_ready(model, version);
  }
  Status statistics(std::string_view model, std::string_view version,
                    std::vector<ModelStatistics>& out) const override {
    ModelStatistics s;
    s.name = "identity";
    s.version = "1";
    s.last_inference_ms = 1700000000000;
    s.inference_count = 7;
    s.execution_count = 3;
    s.success = {7, 7000};
    s.batches = {{2, {3, 30}, {3, 300}, {3, 33}, {3, 400}}};
    out = {s};
    return model.empty() ? Status{} : model_ready(model, version);
  }

  std::vector<IndexEntry> repository_index(bool only_ready) const override {
    std::vector<IndexEntry> index = {{"identity", "1", "READY", ""}};
    if (!only_ready) index.push_back({"old", "2", "UNAVAILABLE", "unloaded"});
    return index;
  }
  Status load_model(std::string_view model, std::string_view config) override {
    note("load " + std::string(model) + " " + std::string(config));
    return model_ready(model, "");
  }
  Status unload_model(std::string_view model, bool dependents) override {
    note("unload " + std::string(model) + (dependents ? " with dependents" : ""));
    return model_ready(model, "");
  }

  Status register_shared_memory(const SharedMemoryRegion& region) override {
    const std::lock_guard lock(mutex_);
    auto bytes = std::make_shared<std::vector<std::byte>>(region.byte_size);
    if (!regions_.emplace(region.name, std::pair(region, bytes)).second) {
      return {StatusCode::kInvalidArgument, "shared memory region '" + region.name + "' is registered already"};
    }
    return {};
  }
  Status unregister_shared_memory(std::string_view name) override {
    const std::lock_guard lock(mutex_);
    if (name.empty()) {
      regions_.clear();
    } else {
      regions_.erase(std::string(name));
    }
    return {};
  }
  Status shared_memory_status(std::string_view name, std::vector<SharedMemoryRegion>& out) const override {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, region] : regions_) {
      if (name.empty() || key == name) out.push_back(region.first);
    }
    if (!name.empty() && out.empty()) return no_region(name);
    return {};
  }
  Status register_cuda_memory(const CudaMemoryRegion& region) override {
    const std::lock_guard lock(mutex_);
    cuda_regions_[region.name] = region;
    return {};
  }
  Status unregister_cuda_memory(std::string_view name) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(cuda_regions_, [&](const auto& region) { return name.empty() || region.first == name; });
    return {};
  }
  Status cuda_memory_status(std::string_view name, std::vector<CudaMemoryRegion>& out) const override {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, region] : cuda_regions_) {
      if (name.empty() || key == name) out.push_back(region);
    }
    if (!name.empty() && out.empty()) return no_region(name);
    return {};
  }
  /// Regions are plain memory of this process.
  Status shared_memory(std::string_view region, uint64_t offset, uint64_t byte_size, SharedBytes& out) const override {
    const std::lock_guard lock(mutex_);
    const auto found = regions_.find(std::string(region));
    if (found == regions_.end()) return no_region(region);
    std::vector<std::byte>& bytes = *found->second.second;
    if (offset > bytes.size() || byte_size > bytes.size() - offset) {
      return {StatusCode::kInvalidArgument, "bytes outside of shared memory region '" + std::string(region) + "'"};
    }
    out = {bytes.data() + offset, found->second.second};
    return {};
  }

  Status trace_settings(std::string_view model, const Settings& change, Settings& now) override {
    note("trace " + std::string(model));
    return change_settings(trace_, change, now);
  }
  Status log_settings(const Settings& change, Settings& now) override { return change_settings(log_, change, now); }

  std::string metrics() const override { return "# TYPE nv_inference_count counter\nnv_inference_count 7\n"; }
  std::string live_state() const override { return live_json; }
  void log_access(const Access& a) override {
    const std::lock_guard lock(mutex_);
    std::string line;
    for (const std::string_view part : {a.protocol, a.method, a.target, a.model, a.id}) line.append(part).append(" ");
    access_log_.push_back(line + std::to_string(a.status));
  }

 private:
  static void fail(const InferRequest& request, const Status& status, const ResponseCallback& done) {
    InferResponse response;
    response.status = status;
    response.model = request.model;
    response.id = request.id;
    done(std::move(response));
  }

  static Status no_region(std::string_view name) {
    return {StatusCode::kNotFound, "shared memory region '" + std::string(name) + "' is not registered"};
  }

  static InferResponse identity(const InferRequest& request) {
    InferResponse response;
    response.model = request.model;
    response.version = "1";
    response.id = request.id;
    for (const InputTensor& input : request.inputs) {
      const std::string name = "OUTPUT" + (input.name.size() > 5 ? input.name.substr(5) : "");
      const auto wanted = std::find_if(request.outputs.begin(), request.outputs.end(),
                                       [&](const RequestedOutput& o) { return o.name == name; });
      if (!request.outputs.empty() && wanted == request.outputs.end()) continue;
      const RequestedOutput all{name, 0, false, {}, 0};
      add_output(input, request.outputs.empty() ? all : *wanted, response);
    }
    return response;
  }

  static void add_output(const InputTensor& input, const RequestedOutput& wanted, InferResponse& response) {
    OutputTensor output{wanted.name, input.dtype, input.shape, input.data, {}, 0, wanted.binary};
    if (wanted.target.data && wanted.capacity < input.data.size) {
      response.status = {StatusCode::kInvalidArgument, "output '" + wanted.name + "': its shared memory is too small"};
    } else if (wanted.target.data) {
      // A request may name the same shared memory for both.
      std::memmove(wanted.target.data, input.data.data, input.data.size);
      output.shared_bytes = input.data.size;
      output.data = {};
    } else if (wanted.num_classes > 0) {
      output.classes = classes(input, wanted.num_classes);
      output.shape = {static_cast<int64_t>(output.classes.size())};
      output.data = {};
    }
    response.outputs.push_back(std::move(output));
  }

  static std::vector<std::string> classes(const InputTensor& input, size_t count) {
    std::vector<float> scores(input.data.size / sizeof(float));
    if (!scores.empty()) std::memcpy(scores.data(), input.data.data, scores.size() * sizeof(float));
    std::vector<size_t> order(scores.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
    order.resize(std::min(count, order.size()));
    std::vector<std::string> result;
    for (const size_t i : order) result.push_back(std::to_string(scores[i]) + ":" + std::to_string(i));
    return result;
  }

  void note(const InferRequest& request) {
    const std::lock_guard lock(mutex_);
    last_request_ = request;
    for (InputTensor& input : last_request_.inputs) input.data.owner.reset();
    ++num_requests_;
  }
  void note(std::string call) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(call));
  }

  Status change_settings(Settings& settings, const Settings& change, Settings& now) {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, values] : change) {
      const auto found =
          std::find_if(settings.begin(), settings.end(), [&, n = name](const auto& s) { return s.first == n; });
      if (found == settings.end()) return {StatusCode::kInvalidArgument, "unknown setting '" + name + "'"};
      found->second = values;
    }
    now = settings;
    return {};
  }

  mutable std::mutex mutex_;
  InferRequest last_request_;
  size_t num_requests_ = 0;
  std::vector<std::string> calls_, access_log_;
  std::map<std::string, std::pair<SharedMemoryRegion, std::shared_ptr<std::vector<std::byte>>>> regions_;
  std::map<std::string, CudaMemoryRegion> cuda_regions_;
  Settings trace_ = {{"trace_level", {"OFF"}}, {"trace_rate", {"1000"}}, {"trace_count", {"-1"}}};
  Settings log_ = {{"log_info", {"true"}}, {"log_verbose_level", {"0"}}, {"log_format", {"default"}}};
  std::vector<std::thread> threads_;
};

}  // namespace burnish::server::testing
