// What the scheduler costs: submit() of a model version against execute() of a context, at one caller, and how many
// inferences it does with many. max_batch: 1 executes each request alone; else as the engine allows. Usage:
// bench_submit MODEL.engine [callers=64] [seconds=2] [max_batch]
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#include "server/model_version.h"

namespace burnish::server {
namespace {

// One item of zeros at the first profile's optimum.
InferRequest request_for(const Engine& engine, bool has_batch) {
  InferRequest request;
  for (const BindingInfo& input : engine.inputs()) {
    std::vector<int64_t> shape = engine.input_range(input.name).opt;
    if (has_batch) shape[0] = 1;
    size_t bytes = element_bytes(input.dtype);
    for (const int64_t d : shape) bytes *= static_cast<size_t>(d);
    const auto zeros = std::make_shared<std::vector<std::byte>>(bytes);
    request.inputs.push_back({input.name, input.dtype, shape, {zeros->data(), bytes, zeros, false}});
  }
  return request;
}

double microseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

double median_us(std::vector<double>& times) {
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

double execute_us(const Engine& engine, const InferRequest& request, int threads, std::chrono::seconds duration) {
  ExecutionContext context = engine.create_context(threads);
  std::vector<double> times;
  for (const auto end = Clock::now() + duration; Clock::now() < end;) {
    const auto begin = Clock::now();
    for (const InputTensor& i : request.inputs) context.set_input(i.name, i.dtype, i.shape, i.data.data);
    context.execute();
    times.push_back(microseconds(Clock::now() - begin));
  }
  return median_us(times);
}

// A caller that waits for its answer, as a thread of a simple client does.
class Waiter {
 public:
  void done() {
    const std::lock_guard lock(mutex_);
    is_done_ = true;
    changed_.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return is_done_; });
    is_done_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_done_ = false;
};

std::vector<double> submit_times(ModelVersion& model, const InferRequest& request, std::chrono::seconds duration) {
  Waiter waiter;
  std::vector<double> times;
  for (const auto end = Clock::now() + duration; Clock::now() < end;) {
    InferRequest copy = request;
    const auto begin = Clock::now();
    model.submit(std::move(copy), [&](InferResponse&& response) {
      if (!response.status.ok()) fmt::print(stderr, "{}\n", response.status.message);
      waiter.done();
    });
    waiter.wait();
    times.push_back(microseconds(Clock::now() - begin));
  }
  return times;
}

double inferences_per_second(ModelVersion& model, const InferRequest& request, int callers,
                             std::chrono::seconds duration) {
  std::atomic<uint64_t> total{0};
  std::vector<std::thread> threads;
  const auto begin = Clock::now();
  for (int c = 0; c < callers; ++c) {
    threads.emplace_back([&] { total += submit_times(model, request, duration).size(); });
  }
  for (std::thread& thread : threads) thread.join();
  return static_cast<double>(total.load()) / (microseconds(Clock::now() - begin) * 1e-6);
}

void report(const std::string& path, int callers, std::chrono::seconds duration, int max_batch) {
  const Engine engine = Engine::load(path);
  ModelConfig config;
  config.name = "bench";
  config.max_batch_size = max_batch;
  if (max_batch > 1) config.dynamic_batching.emplace();
  const auto model = ModelVersion::load(config, "1", engine);
  const InferRequest request = request_for(engine, model->config().max_batch_size > 0);
  const InstanceGroup& group = model->config().instance_groups[0];
  fmt::print("instances {} × {} threads, max_batch_size {}\n", group.count, group.threads,
             model->config().max_batch_size);
  const double alone = execute_us(engine, request, group.threads, duration);
  auto times = submit_times(*model, request, duration);
  const double submitted = median_us(times);
  fmt::print("one caller:  execute {:.2f} µs, submit {:.2f} µs, over it {:.2f} µs (medians)\n", alone, submitted,
             submitted - alone);
  const ModelStatistics before = model->statistics();
  const double rate = inferences_per_second(*model, request, callers, duration);
  const ModelStatistics done = model->statistics();
  fmt::print("{} callers: {:.0f} inferences/s, batches of {:.2f} on average\n", callers, rate,
             static_cast<double>(done.inference_count - before.inference_count) /
                 static_cast<double>(done.execution_count - before.execution_count));
}

}  // namespace
}  // namespace burnish::server

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: bench_submit MODEL.engine [callers=64] [seconds=2] [max_batch]\n");
    return 2;
  }
  const int callers = argc > 2 ? std::max(1, std::atoi(argv[2])) : 64;
  const int seconds = argc > 3 ? std::max(1, std::atoi(argv[3])) : 2;
  const int max_batch = argc > 4 ? std::max(0, std::atoi(argv[4])) : -1;
  try {
    burnish::server::report(argv[1], callers, std::chrono::seconds(seconds), max_batch);
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
  return 0;
}
