#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/cuda/launch.h"
#include "runtime/session.h"

namespace burnish {
namespace {

using cuda::Device;

/// Graphs kept for each specialisation: as many sets of memory as callers are likely to take turns with.
constexpr size_t kMaxGraphs = 8;

/// One specialisation's steps: launched one by one the first time that they run on some memory, as a captured graph
/// from then on.
class CudaRunner : public Runner {
 public:
  CudaRunner(Specialization& steps, ThreadPool& pool, const cuda::Stream& own) : steps_(steps), pool_(pool), own_(own) {
    captures_ = std::none_of(steps.runs().begin(), steps.runs().end(),
                             [](const StepRun& run) { return run.kernel && run.kernel->synchronizes(); });
    size_t num_flags = 0;
    for (const StepRun& run : steps.runs()) {
      if (run.kernel) num_flags = std::max(num_flags, run.kernel->num_flags());
    }
    flags_ = cuda::allocate_flags(own, num_flags);
  }

  void bind(const MemoryBases& bases) override {
    MemoryBases with_flags = bases;
    with_flags.flags = flags_.get();
    steps_.bind(with_flags);
    std::vector<const void*> key = {bases.arena};
    key.insert(key.end(), bases.inputs.begin(), bases.inputs.end());
    key.insert(key.end(), bases.outputs.begin(), bases.outputs.end());
    const auto known = std::find_if(graphs_.begin(), graphs_.end(), [&](const auto& g) { return g->key == key; });
    if (known == graphs_.end()) {
      if (graphs_.size() == kMaxGraphs) graphs_.erase(graphs_.begin());
      graphs_.push_back(std::make_unique<Captured>(Captured{std::move(key), false, nullptr}));
    } else {
      std::rotate(known, known + 1, graphs_.end());
    }
    current_ = graphs_.back().get();
  }

  void run(void* stream, const StepObserver* observer) override {
    own_.device().make_current();
    void* on = stream != nullptr ? stream : own_.handle();
    if (observer != nullptr) return run_timed(on, *observer);
    if (!captures_ || !current_->has_run) {
      launch_all(on);  // loads what is loaded lazily, and reports what fails
      current_->has_run = true;
      return;
    }
    if (current_->graph == nullptr) {
      current_->graph = std::make_unique<cuda::Graph>(own_, [&] { launch_all(own_.handle()); });
    }
    current_->graph->launch(on);
  }

 private:
  struct Captured {
    std::vector<const void*> key;  // all memory that the graph reads and writes
    bool has_run;
    std::unique_ptr<cuda::Graph> graph;
  };

  void launch_all(void* stream) {
    for (const StepRun& run : steps_.runs()) steps_.run_step(run, pool_, stream);
  }

  void run_timed(void* stream, const StepObserver& observer) {
    const auto runs = steps_.runs();
    while (events_.size() <= runs.size()) events_.push_back(std::make_unique<cuda::Event>(own_.device()));
    events_[0]->record(stream);
    for (size_t i = 0; i < runs.size(); ++i) {
      steps_.run_step(runs[i], pool_, stream);
      events_[i + 1]->record(stream);
    }
    events_[runs.size()]->synchronize();
    for (size_t i = 0; i < runs.size(); ++i) {
      observer(runs[i].step, runs[i].cost, events_[i + 1]->us_since(*events_[i]));
    }
  }

  Specialization& steps_;
  ThreadPool& pool_;
  const cuda::Stream& own_;
  bool captures_ = true;
  std::vector<std::unique_ptr<Captured>> graphs_;  // least recently bound first
  Captured* current_ = nullptr;
  std::shared_ptr<uint32_t> flags_;  // of all steps
  std::vector<std::unique_ptr<cuda::Event>> events_;
};

class CudaSession : public Session {
 public:
  CudaSession(ThreadPool& pool, const Target& target)
      : pool_(pool), device_(cuda::device_of(target)), stream_(device_) {}

  std::unique_ptr<Runner> create_runner(Specialization& steps) override {
    return std::make_unique<CudaRunner>(steps, pool_, stream_);
  }

  std::byte* reserve_arena(size_t num_bytes) override {
    if (arena_ == nullptr || num_bytes > arena_bytes_) {
      stream_.synchronize();
      arena_.reset();
      arena_bytes_ = 0;
      arena_ = device_.allocate(num_bytes);
      arena_bytes_ = num_bytes;
    }
    return static_cast<std::byte*>(arena_.get());
  }
  size_t arena_bytes() const override { return arena_bytes_; }

  const void* place_input(size_t i, const void* data, size_t num_bytes, size_t element_bytes) override {
    device_.make_current();
    if (cuda::is_device_pointer(data) && reinterpret_cast<uintptr_t>(data) % element_bytes == 0) return data;
    if (inputs_.size() <= i) inputs_.resize(i + 1);
    inputs_[i].reserve(device_, num_bytes);
    return inputs_[i].device.get();
  }

  void stage_input(size_t i, const void* data, size_t num_bytes, void* stream) override {
    device_.make_current();
    void* on = stream_or_own(stream);
    if (cuda::is_device_pointer(data)) return cuda::copy_on_device(inputs_[i].device.get(), data, num_bytes, on);
    // Page-locked memory of ours lets the copy run beside the host; a caller's stream may still read the last one's.
    if (stream != nullptr) return cuda::copy_to_device(inputs_[i].device.get(), data, num_bytes, on);
    std::memcpy(inputs_[i].pinned.get(), data, num_bytes);
    cuda::copy_to_device(inputs_[i].device.get(), inputs_[i].pinned.get(), num_bytes, on);
  }

  bool can_compute_in(const void* target, size_t element_bytes) const override {
    device_.make_current();
    return cuda::is_device_pointer(target) && reinterpret_cast<uintptr_t>(target) % element_bytes == 0;
  }

  const void* deliver(size_t i, const TensorView& computed, int64_t row_stride, void* target, void* /*staging*/,
                      void* stream) override {
    device_.make_current();
    const size_t bytes = computed.num_bytes();
    void* on = stream_or_own(stream);
    if (target == computed.data) return target;
    if (cuda::is_device_pointer(target)) {
      copy_out(computed, row_stride, target, true, on);
      return target;
    }
    if (target != nullptr && stream != nullptr) {
      copy_out(computed, row_stride, target, false, on);
      return target;
    }
    if (results_.size() <= i) results_.resize(i + 1);
    Result& result = results_[i];
    if (result.num_bytes < bytes || result.pinned == nullptr) {
      result.pinned = device_.allocate_pinned(bytes);
      result.num_bytes = bytes;
    }
    copy_out(computed, row_stride, result.pinned.get(), false, on);
    if (target == nullptr) return result.pinned.get();
    pending_.push_back({target, result.pinned.get(), bytes});
    return target;
  }

  void finish() override {
    stream_.synchronize();
    for (const Pending& p : pending_) {
      if (p.num_bytes > 0) std::memcpy(p.target, p.source, p.num_bytes);
    }
    pending_.clear();
  }

 private:
  struct Staged {
    std::shared_ptr<void> device, pinned;
    size_t num_bytes = 0;
    void reserve(const Device& on, size_t bytes) {
      if (device != nullptr && num_bytes >= bytes) return;
      device = on.allocate(bytes);
      pinned = on.allocate_pinned(bytes);
      num_bytes = bytes;
    }
  };
  struct Result {
    std::shared_ptr<void> pinned;
    size_t num_bytes = 0;
  };
  struct Pending {
    void* target;
    const void* source;
    size_t num_bytes;
  };

  void* stream_or_own(void* stream) const { return stream != nullptr ? stream : stream_.handle(); }

  static void copy_out(const TensorView& from, int64_t row_stride, void* to, bool to_device, void* stream) {
    if (from.num_bytes() == 0) return;
    const size_t element = size_of(from.dtype);
    const bool dense = row_stride == 0;
    const size_t row = dense ? from.num_bytes() : static_cast<size_t>(from.shape.back()) * element;
    const size_t source_stride = dense ? row : static_cast<size_t>(row_stride) * element;
    cuda::copy_rows({to, row, from.data, source_stride, row, from.num_bytes() / row, to_device}, stream);
  }

  ThreadPool& pool_;
  const Device& device_;
  cuda::Stream stream_;
  std::shared_ptr<void> arena_;
  size_t arena_bytes_ = 0;
  std::vector<Staged> inputs_;   // by input: on the way from the host, or to proper alignment
  std::vector<Result> results_;  // by output: on the host
  std::vector<Pending> pending_;
};

}  // namespace

std::unique_ptr<Session> create_cuda_session(ThreadPool& pool, const Target& target) {
  return std::make_unique<CudaSession>(pool, target);
}

}  // namespace burnish
