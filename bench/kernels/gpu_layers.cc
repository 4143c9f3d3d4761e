// Times the products and convolutions of real models on the GPU, layer by layer.
//
//   bench_gpu_layers [--model resnet50|yolov5s|bert|mobile] [--precision f16|bf16|f32] [--batch N] [--tactic NAME]
//   [--all]
//
// Every configuration of every tactic is timed alone: repeated in one CUDA graph over the same data, so that weights
// come from the second-level cache. --all prints every one, else the best of each tactic.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include "kernels/cuda/launch.h"
#include "model_layers.h"

namespace burnish {
namespace {

using cuda::Device;

constexpr int kRepeats = 20;

struct Options {
  std::string model, tactic;
  Precision precision = kPrecisions[2];
  int64_t batch = 1;
  bool all = false;
};

struct Candidate {
  const Tactic* tactic;
  std::string config;
  double us = 0;
};

Problem problem_of(const Layer& layer, const Precision& precision) {
  Problem p;
  p.op = layer.op;
  p.attrs = &layer.attrs;
  for (size_t i = 0; i < layer.inputs.size(); ++i) {
    const bool present = i < 3 || layer.inputs[i].rank() > 0;
    const bool constant = i == 1 || i == 2;
    const DType dtype = i == 2 ? DType::kFloat32 : (i == 1 ? precision.w.dtype : precision.x.dtype);
    p.inputs.push_back(present ? TensorDesc{dtype, layer.inputs[i], 0, constant ? 0U : 1U} : TensorDesc{});
    p.is_constant.push_back(constant);
    p.constants.push_back(constant ? filled(dtype, layer.inputs[i], static_cast<int>(i)) : Tensor{});
  }
  p.outputs.push_back({precision.x.dtype, layer.output, 0, 1U});
  return p;
}

class Bench {
 public:
  explicit Bench(const Options& options)
      : options_(options), target_(detect_cuda(0, 1)), device_(cuda::device_of(target_)), stream_(device_) {}

  void run(const std::string& title, std::vector<Layer> layers) {
    fmt::print("{} on {}\n", title, target_.gpu_name);
    std::vector<Problem> problems;
    std::vector<std::vector<Candidate>> candidates;
    for (Layer& layer : layers) {
      if (options_.precision.name != "f32") set_output_encoding(layer.attrs, options_.precision.x);
      problems.push_back(problem_of(layer, options_.precision));
      candidates.push_back(candidates_of(problems.back()));
    }
    warm_up(problems, candidates);
    double total_us = 0;
    for (size_t i = 0; i < layers.size(); ++i) total_us += time_layer(layers[i], problems[i], candidates[i]);
    fmt::print("  all: {:.3f} ms\n", total_us / 1e3);
  }

 private:
  std::vector<Candidate> candidates_of(const Problem& problem) const {
    std::vector<Candidate> all;
    for (const Tactic* tactic : cuda_tactics()) {
      const auto ops = tactic->ops();
      const bool meant = options_.tactic.empty() || tactic->name().find(options_.tactic) != std::string_view::npos;
      if (!meant || std::find(ops.begin(), ops.end(), problem.op) == ops.end() || !tactic->supports(problem, target_))
        continue;
      for (std::string& config : tactic->candidates(problem, target_)) all.push_back({tactic, std::move(config)});
    }
    return all;
  }

  static void warm_up(const std::vector<Problem>& problems, const std::vector<std::vector<Candidate>>& candidates) {
    std::vector<std::pair<const Problem*, const Candidate*>> work;
    for (size_t i = 0; i < problems.size(); ++i) {
      for (const Candidate& c : candidates[i]) work.emplace_back(&problems[i], &c);
    }
    std::atomic<size_t> next = 0;
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < std::max(1U, std::thread::hardware_concurrency()); ++t) {
      threads.emplace_back([&] {
        for (size_t i = next++; i < work.size(); i = next++)
          work[i].second->tactic->warm_up(*work[i].first, work[i].second->config);
      });
    }
  }

  double time_layer(const Layer& layer, const Problem& problem, std::vector<Candidate>& candidates) {
    for (Candidate& c : candidates) {
      try {
        c.us = time_us(problem, c);
      } catch (const Error& e) {
        fmt::print("  {} {}: {}\n", c.tactic->name(), c.config, e.what());
        c.us = 1e30;
      }
    }
    std::stable_sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) { return a.us < b.us; });
    fmt::print("  {:>2} x {}\n", layer.count, layer.name);
    std::vector<const Tactic*> shown;
    for (const Candidate& c : candidates) {
      if (!options_.all && std::find(shown.begin(), shown.end(), c.tactic) != shown.end()) continue;
      shown.push_back(c.tactic);
      fmt::print("       {:9.2f} us {:7.1f} TFLOP/s  {} [{}]\n", c.us, layer.gflop / c.us * 1e3, c.tactic->name(),
                 c.config);
    }
    std::fflush(stdout);
    return candidates.empty() ? 0 : candidates.front().us * layer.count;
  }

  std::shared_ptr<void> upload(const void* data, size_t bytes) {
    std::shared_ptr<void> memory = device_.allocate(bytes);
    cuda::copy_to_device(memory.get(), data, bytes, stream_.handle());
    stream_.synchronize();
    return memory;
  }

  double time_us(const Problem& problem, const Candidate& c) {
    const std::vector<PackedBlob> blobs = c.tactic->pack(problem, c.config);
    std::vector<std::shared_ptr<void>> memory;
    std::vector<PackedView> views;
    for (const PackedBlob& blob : blobs) {
      memory.push_back(upload(blob.data(), blob.size()));
      views.emplace_back(blob.data(), blob.size());
      views.back().device = memory.back().get();
    }
    const auto kernel = c.tactic->prepare(problem, c.config, views, target_);
    std::vector<const void*> inputs;
    for (size_t i = 0; i < problem.inputs.size(); ++i) {
      const TensorDesc& d = problem.inputs[i];
      const Tensor t = d.present() ? filled(d.dtype, d.shape, static_cast<int>(i)) : Tensor{};
      if (d.present()) memory.push_back(upload(t.data(), t.num_bytes()));
      inputs.push_back(d.present() ? memory.back().get() : nullptr);
    }
    const TensorDesc& y = problem.outputs[0];
    const auto result = device_.allocate(static_cast<size_t>(y.shape.num_elements()) * size_of(y.dtype));
    const auto scratch = device_.allocate(kernel->scratch_bytes());
    void* const outputs[] = {result.get()};
    const cuda::Graph graph(stream_, [&] {
      for (int i = 0; i < kRepeats; ++i) kernel->run({inputs, outputs, scratch.get(), nullptr, stream_.handle()});
    });
    cuda::Event begin(device_), end(device_);
    double best = 1e30;
    for (int round = 0; round < 5; ++round) {
      begin.record(stream_.handle());
      graph.launch(stream_.handle());
      end.record(stream_.handle());
      end.synchronize();
      best = std::min(best, end.us_since(begin) / kRepeats);
    }
    return best;
  }

  Options options_;
  Target target_;
  const Device& device_;
  cuda::Stream stream_;
};

void run_models(const Options& o) {
  const auto wanted = [&](std::string_view name) { return o.model.empty() || o.model == name; };
  Bench bench(o);
  const auto title = [&](std::string_view name) {
    return fmt::format("{} batch {} {}", name, o.batch, o.precision.name);
  };
  if (wanted("resnet50")) bench.run(title("resnet50"), resnet50(o.batch));
  if (wanted("yolov5s")) bench.run(title("yolov5s"), yolov5s(o.batch));
  if (wanted("mobile")) bench.run(title("mobile"), mobile(o.batch));
  if (wanted("bert")) bench.run(title("bert"), transformer(12, 128 * o.batch, 768, 3072));
}

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    if (arg == "--all") {
      o.all = true;
      continue;
    }
    check(i + 1 < argc, ErrorCode::kInvalidArgument, "{} needs a value", arg);
    const std::string value = argv[++i];
    if (arg == "--model") o.model = value;
    if (arg == "--tactic") o.tactic = value;
    if (arg == "--batch") o.batch = std::atoll(value.c_str());
    if (arg == "--precision") {
      for (const Precision& p : kPrecisions) {
        if (p.name == value) o.precision = p;
      }
    }
  }
  return o;
}

}  // namespace
}  // namespace burnish

int main(int argc, char** argv) {
  try {
    burnish::run_models(burnish::parse(argc, argv));
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench_gpu_layers: {}\n", e.what());
    return 1;
  }
  return 0;
}
