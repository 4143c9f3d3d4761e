// Times the products and convolutions of real models, layer by layer.
//
//   bench_layers [--model NAME] [--precision f32|bf16|f16|u8] [--batch N] [--threads N] [--rounds N] [--all]
//
// Every candidate configuration of every tactic of ours is timed alone; the best of each layer then take part in
// rounds over the whole model, so that weights come from memory as they do in an inference. --all prints every
// candidate. Percentages are of the precision's multiply-add peak measured at the start; Winograd may pass 100.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <map>

#include "model_layers.h"

namespace burnish {
namespace {

/// Of the thread's own time, so that one thread can be timed while others keep the machine busy; of wall time where
/// several threads wait for each other.
double now_us(int num_threads) {
  timespec t{};
  clock_gettime(num_threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

/// Other programs on the machine disturb upwards, mostly.
double lower_quartile(std::vector<double>& times) {
  const auto quartile = times.begin() + static_cast<long>(times.size() / 4);
  std::nth_element(times.begin(), quartile, times.end());
  return *quartile;
}

/// A tactic ready to run one instance of a layer, with weights of its own.
struct Instance {
  std::shared_ptr<void> packed_memory;
  std::vector<PackedView> packed;
  std::unique_ptr<Kernel> kernel;
};

class Bench {
 public:
  Bench(int num_threads, const Precision& precision)
      : target_(detect_cpu(num_threads)), pool_(target_.num_threads), precision_(precision) {}

  void run(const std::string& title, const std::vector<Layer>& layers, int rounds, bool all) {
    std::vector<Row> rows;
    for (const Layer& layer : layers) add_row(layer, all, rows);
    for (int round = 0; round <= rounds; ++round) {
      for (Row& row : rows) {
        for (Instance& instance : row.instances) {
          const double start = now_us(pool_.num_threads());
          run_once(row.problem, instance);
          if (round > 0) row.times.push_back(now_us(pool_.num_threads()) - start);
        }
      }
    }
    print(title, rows);
  }

  /// What a product whose operands lie in the first-level cache reaches.
  void measure_peak() {
    const auto element = static_cast<int64_t>(size_of(precision_.x.dtype));
    Layer layer = matmul(1, 48, 64 * 8 * 4 / element, 64 * pool_.num_threads());
    store_as(precision_, layer);
    const Problem problem = problem_of(layer);
    for (const Tactic* tactic : cpu_tactics()) {
      if (tactic->name() != fmt::format("cpu.{}_gemm", precision_.name) || !tactic->supports(problem, target_))
        continue;
      Instance instance = make_instance(*tactic, problem, tactic->candidates(problem, target_).front());
      peak_ = layer.gflop / time_us(problem, instance, 2000) * 1e6;
    }
    fmt::print("{} peak of {} threads: {:.0f} GFLOP/s\n", precision_.name, pool_.num_threads(), peak_);
  }

 private:
  /// A layer with the best of its candidates, as often as the model has it.
  struct Row {
    const Layer* layer;
    Problem problem;
    std::string choice;
    std::vector<Instance> instances;
    std::vector<double> times;
  };

  void add_row(const Layer& layer, bool all, std::vector<Row>& rows) {
    Row row{&layer, problem_of(layer), "", {}, {}};
    const auto [tactic, config] = choose(layer, row.problem, all);
    if (tactic == nullptr) {
      fmt::print("{}: no tactic\n", layer.name);
      return;
    }
    row.choice = fmt::format("{} {}", tactic->name(), config);
    for (int i = 0; i < layer.count; ++i) row.instances.push_back(make_instance(*tactic, row.problem, config));
    rows.push_back(std::move(row));
  }

  void print(const std::string& title, std::vector<Row>& rows) const {
    double total_us = 0;
    double total_gflop = 0;
    fmt::print("{}\n", title);
    for (Row& row : rows) {
      const double quartile = lower_quartile(row.times);
      const double gflops = row.layer->gflop / quartile * 1e6;
      fmt::print("  {:>2} x {:28} {:9.1f} us {:6.0f} GFLOP/s {:4.0f} %  {}\n", row.layer->count, row.layer->name,
                 quartile, gflops, 100 * gflops / peak_, row.choice);
      total_us += quartile * row.layer->count;
      total_gflop += row.layer->gflop * row.layer->count;
    }
    const double gflops = total_gflop / total_us * 1e6;
    fmt::print("  all: {:.2f} ms, {:.2f} GFLOP, {:.0f} GFLOP/s, {:.0f} %\n", total_us / 1e3, total_gflop, gflops,
               100 * gflops / peak_);
  }

  Problem problem_of(const Layer& layer) {
    Problem p;
    p.op = layer.op;
    p.attrs = &layer.attrs;
    for (size_t i = 0; i < layer.inputs.size(); ++i) {
      const bool present = i < 3 || layer.inputs[i].rank() > 0;
      const bool constant = i == 1 || i == 2 || i == 4;
      const DType dtype = i == 0 || i == 3 ? precision_.x.dtype : (i == 1 ? precision_.w.dtype : DType::kFloat32);
      const int seed = static_cast<int>(i);
      p.inputs.push_back(present ? TensorDesc{dtype, layer.inputs[i], 0} : TensorDesc{});
      p.is_constant.push_back(constant);
      p.constants.push_back(constant && present ? filled(dtype, layer.inputs[i], seed) : Tensor{});
      if (!constant && present) reserve(buffers_[i], dtype, layer.inputs[i], seed);
    }
    p.outputs.push_back({precision_.x.dtype, layer.output, 0});
    reserve(buffers_[9], precision_.x.dtype, layer.output, 9);
    return p;
  }

  static void reserve(Tensor& buffer, DType dtype, const Shape& shape, int seed) {
    if (!buffer.defined() || buffer.num_elements() < shape.num_elements()) buffer = filled(dtype, shape, seed);
  }

  Instance make_instance(const Tactic& tactic, const Problem& problem, const std::string& config) {
    Instance instance;
    const std::vector<PackedBlob> blobs = tactic.pack(problem, config);
    size_t bytes = 0;
    for (const PackedBlob& blob : blobs) bytes += (blob.size() + 63) / 64 * 64;
    instance.packed_memory = allocate_aligned(bytes);
    auto* at = static_cast<std::byte*>(instance.packed_memory.get());
    for (const PackedBlob& blob : blobs) {
      std::memcpy(at, blob.data(), blob.size());
      instance.packed.emplace_back(at, blob.size());
      at += (blob.size() + 63) / 64 * 64;
    }
    instance.kernel = tactic.prepare(problem, config, instance.packed, target_);
    if (instance.kernel->scratch_bytes() > scratch_bytes_) {
      scratch_bytes_ = instance.kernel->scratch_bytes();
      scratch_ = allocate_aligned(scratch_bytes_);
    }
    return instance;
  }

  void run_once(const Problem& problem, const Instance& instance) {
    const void* inputs[5] = {buffers_[0].data()};
    if (problem.has_input(3)) inputs[3] = buffers_[9].data();  // the plan lets sums overwrite their residual
    void* const outputs[1] = {buffers_[9].data()};
    instance.kernel->run({std::span(inputs, problem.inputs.size()), outputs, scratch_.get(), &pool_});
  }

  double time_us(const Problem& problem, const Instance& instance, int repeats) {
    std::vector<double> times;
    for (int i = 0; i < repeats; ++i) {
      const double start = now_us(pool_.num_threads());
      run_once(problem, instance);
      times.push_back(now_us(pool_.num_threads()) - start);
    }
    return lower_quartile(times);
  }

  std::pair<const Tactic*, std::string> choose(const Layer& layer, const Problem& problem, bool all) {
    std::pair<const Tactic*, std::string> best{nullptr, ""};
    double best_us = 1e30;
    for (const Tactic* tactic : cpu_tactics()) {
      if (!tactic->name().starts_with(fmt::format("cpu.{}_", precision_.name)) || !tactic->supports(problem, target_))
        continue;
      const auto ops = tactic->ops();
      if (std::find(ops.begin(), ops.end(), problem.op) == ops.end()) continue;
      for (const std::string& config : tactic->candidates(problem, target_)) {
        const Instance instance = make_instance(*tactic, problem, config);
        const double us = time_us(problem, instance, 7);
        if (all) {
          fmt::print("    {:28} {:18} {:16} {:9.1f} us {:4.0f} %\n", layer.name, tactic->name(), config, us,
                     100 * layer.gflop / us * 1e6 / peak_);
        }
        if (us < best_us) {
          best_us = us;
          best = {tactic, config};
        }
      }
    }
    return best;
  }

  Target target_;
  ThreadPool pool_;
  const Precision& precision_;
  std::map<size_t, Tensor> buffers_;
  size_t scratch_bytes_ = 0;
  std::shared_ptr<void> scratch_ = allocate_aligned(64);
  double peak_ = 1;
};

int run(int argc, char** argv) {
  std::string model;
  std::string precision;
  int64_t batch = 1;
  int threads = num_available_cores();
  int rounds = 20;
  bool all = false;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (arg == "--model") model = value;
    if (arg == "--precision") precision = value;
    if (arg == "--batch") batch = std::max(1, std::atoi(value));
    if (arg == "--threads") threads = std::atoi(value);
    if (arg == "--rounds") rounds = std::max(1, std::atoi(value));
    if (arg == "--all") all = true;
  }
  const std::pair<std::string, std::vector<Layer>> models[] = {{"resnet50", resnet50(batch)},
                                                               {"yolov5s", yolov5s(batch)},
                                                               {"bert", transformer(12, 128 * batch, 768, 3072)},
                                                               {"minilm", transformer(6, 128 * batch, 384, 1536)},
                                                               {"mobile", mobile(batch)}};
  for (const Precision& p : kPrecisions) {
    if (p.name != (precision.empty() ? "f32" : precision)) continue;
    for (auto [name, layers] : models) {
      if (!model.empty() && name != model) continue;
      for (Layer& layer : layers) store_as(p, layer);
      Bench bench(threads, p);
      bench.measure_peak();
      bench.run(fmt::format("{}, {}, batch {}", name, p.name, batch), layers, rounds, all);
    }
  }
  return 0;
}

}  // namespace
}  // namespace burnish

int main(int argc, char** argv) {
  try {
    return burnish::run(argc, argv);
  } catch (const burnish::Error& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
}
