#include "compile/gpu_stopwatch.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "compile/made_up_values.h"
#include "kernels/cuda/launch.h"

namespace burnish {
namespace {

constexpr double kRefused = -1;
/// Of one graph: long enough for the events' grain (half a microsecond), short enough for hundreds of candidates.
constexpr double kGraphUs = 150;
constexpr int kMaxRepeats = 40;
/// Times over the best first run's after which a candidate is not timed further.
constexpr double kHopeless = 2.5;
/// What such a kernel must save: the next one's blocks cannot begin beside it, which costs nothing where the next one
/// is itself. Without it YOLOv5s and ResNet-50 at batch 1 were 3 and 1 % slower on an H100.
constexpr double kFillsGpu = 1.1;
/// Elements that are made on the host; longer tensors repeat them.
constexpr int64_t kPattern = 1 << 16;

class GpuBuffers {
 public:
  GpuBuffers(const Problem& problem, const cuda::Stream& stream) : stream_(stream) {
    for (size_t i = 0; i < problem.inputs.size(); ++i) {
      const Tensor& constant = problem.constants[i];
      inputs_.push_back(constant.defined() ? upload(constant) : random(problem.inputs[i]));
    }
    for (const TensorDesc& desc : problem.outputs) outputs_.push_back(random(desc));
    stream_.synchronize();
  }
  const void* input(size_t i) const { return inputs_[i].get(); }
  void* output(size_t i) const { return outputs_[i].get(); }

 private:
  std::shared_ptr<void> upload(const Tensor& tensor) {
    auto memory = stream_.device().allocate(tensor.num_bytes());
    cuda::copy_to_device(memory.get(), tensor.data(), tensor.num_bytes(), stream_.handle());
    stream_.synchronize();
    return memory;
  }
  std::shared_ptr<void> random(const TensorDesc& desc) {
    if (!desc.present()) return nullptr;
    const int64_t count = desc.shape.num_elements();
    const size_t bytes = static_cast<size_t>(count) * size_of(desc.dtype);
    auto memory = stream_.device().allocate(bytes);
    const int64_t made = std::min(count, kPattern);
    std::vector<std::byte> pattern(static_cast<size_t>(made) * size_of(desc.dtype));
    fill_made_up_values(desc.dtype, pattern.data(), made);
    auto* at = static_cast<std::byte*>(memory.get());
    cuda::copy_to_device(at, pattern.data(), pattern.size(), stream_.handle());
    stream_.synchronize();
    for (size_t done = pattern.size(); done < bytes && done > 0; done *= 2) {
      cuda::copy_on_device(at + done, at, std::min(done, bytes - done), stream_.handle());
    }
    return memory;
  }
  const cuda::Stream& stream_;
  std::vector<std::shared_ptr<void>> inputs_, outputs_;
};

/// A candidate made ready to run.
class GpuContestant {  // NOLINT(clang-analyzer-optin.performance.Padding): the pool's threads write apart
 public:
  GpuContestant(const Candidate& candidate, const Problem& problem, const GpuBuffers& buffers,
                const cuda::Stream& stream, const Target& target)
      : stream_(stream) {
    packed_ = candidate.tactic->pack(problem, candidate.config);
    std::vector<PackedView> views;
    for (const PackedBlob& blob : packed_) {
      device_packed_.push_back(stream.device().allocate(blob.size()));
      cuda::copy_to_device(device_packed_.back().get(), blob.data(), blob.size(), stream.handle());
      views.emplace_back(blob.data(), blob.size());
      views.back().device = device_packed_.back().get();
    }
    stream.synchronize();
    kernel_ = candidate.tactic->prepare(problem, candidate.config, views, target);
    for (size_t i = 0; i < problem.inputs.size(); ++i) {
      const bool packed = problem.is_constant[i] && candidate.tactic->packs_input(problem, static_cast<int>(i));
      inputs_.push_back(packed ? nullptr : buffers.input(i));
    }
    for (size_t i = 0; i < problem.outputs.size(); ++i) outputs_.push_back(buffers.output(i));
    scratch_ = stream.device().allocate(kernel_->scratch_bytes());
    flags_ = cuda::allocate_flags(stream, kernel_->num_flags());
  }

  /// The first run loads what is loaded lazily; the second is timed.
  double first_us() {
    run();
    stream_.synchronize();
    begin_.record(stream_.handle());
    run();
    end_.record(stream_.handle());
    end_.synchronize();
    const double us = end_.us_since(begin_);
    repeats_ = std::clamp(static_cast<int>(kGraphUs / std::max(us, 1.0)), 1, kMaxRepeats);
    if (kernel_->synchronizes()) return us;
    graph_ = std::make_unique<cuda::Graph>(stream_, [this] {
      for (int i = 0; i < repeats_; ++i) run();
    });
    graph_->launch(stream_.handle());
    return us;
  }

  /// Its blocks wait for each other: all of them are there until the end.
  bool fills_gpu() const { return flags_ != nullptr; }

  double sample_us() {
    begin_.record(stream_.handle());
    if (graph_) {
      graph_->launch(stream_.handle());
    } else {
      for (int i = 0; i < repeats_; ++i) run();
    }
    end_.record(stream_.handle());
    end_.synchronize();
    return end_.us_since(begin_) / repeats_;
  }

 private:
  void run() { kernel_->run({inputs_, outputs_, scratch_.get(), &pool_, stream_.handle(), flags_.get()}); }

  const cuda::Stream& stream_;
  ThreadPool pool_{1};
  std::vector<PackedBlob> packed_;
  std::vector<std::shared_ptr<void>> device_packed_;
  std::unique_ptr<Kernel> kernel_;
  std::vector<const void*> inputs_;
  std::vector<void*> outputs_;
  std::shared_ptr<void> scratch_;
  std::shared_ptr<uint32_t> flags_;
  cuda::Event begin_{stream_.device()}, end_{stream_.device()};
  std::unique_ptr<cuda::Graph> graph_;
  int repeats_ = 1;
};

struct Lane {
  std::unique_ptr<GpuContestant> contestant;
  double first_us = kRefused;
  std::vector<double> samples;
  double time() const { return *std::min_element(samples.begin(), samples.end()); }
};

Lane enter(const Candidate& candidate, const Problem& problem, const GpuBuffers& buffers, const cuda::Stream& stream,
           const Target& target) {
  Lane lane;
  try {
    lane.contestant = std::make_unique<GpuContestant>(candidate, problem, buffers, stream, target);
    lane.first_us = lane.contestant->first_us();
  } catch (const Error& error) {
    // The host's reference may refuse made-up values.
    const bool is_host = candidate.tactic->ops().empty();
    if (error.code() != ErrorCode::kUnsupported && !is_host) throw;
    lane.contestant = nullptr;
  }
  return lane;
}

}  // namespace

std::vector<double> race_on_gpu(const Problem& problem, std::span<const Candidate> candidates,
                                const TuningEffort& effort, const Target& target) {
  const cuda::Stream stream(cuda::device_of(target));
  const GpuBuffers buffers(problem, stream);
  std::vector<Lane> lanes;
  double best = INFINITY;
  for (const Candidate& candidate : candidates) {
    lanes.push_back(enter(candidate, problem, buffers, stream, target));
    if (lanes.back().contestant) best = std::min(best, lanes.back().first_us);
  }
  for (int round = 0; round < effort.rounds; ++round) {
    for (Lane& lane : lanes) {
      const bool hopeless = lane.first_us > best * kHopeless && lanes.size() > 1;
      if (lane.contestant && !hopeless) lane.samples.push_back(lane.contestant->sample_us());
    }
  }
  std::vector<double> times;
  for (const Lane& lane : lanes) {
    const double us = lane.samples.empty() ? lane.first_us : lane.time();
    times.push_back(lane.contestant && lane.contestant->fills_gpu() ? us * kFillsGpu : us);
  }
  return times;
}

}  // namespace burnish
