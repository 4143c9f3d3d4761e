// burnish bench: latency and throughput of an engine.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

#include "base/error.h"
#include "base/thread_pool.h"
#include "cli/command.h"
#include "cli/device_execution.h"
#include "cli/execution.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/step_table.h"
#include "runtime/engine_impl.h"

namespace burnish::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kMinWarmUpSeconds = 0.2;
constexpr int kMinWarmUpRuns = 3;
constexpr int kProfileRounds = 30;

struct Options {
  std::string engine;
  InputRequest inputs;
  int num_threads = 0;
  int num_contexts = 1;
  double duration_s = 3;
  std::string memory = "host";
  bool profile_steps = false;
  OutputFlags flags;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// One context with its own thread and samples.
struct Lane {
  std::optional<DeviceExecution> on_device;  ///< Where inputs and outputs stay on the GPU.
  std::vector<double> latencies_ms;
  double first_ms = 0;
  std::exception_ptr failure;
};

struct Result {
  std::vector<double> latencies_ms;  ///< Of all contexts, sorted.
  double first_ms = 0;
  double load_ms = 0;
  double seconds = 0;
  int64_t batch = 1;
  size_t arena_bytes = 0;
  double percentile(double p) const {
    const auto last = static_cast<double>(latencies_ms.size() - 1);
    return latencies_ms[static_cast<size_t>(std::lround(last * p / 100))];
  }
  double executions_per_s() const { return static_cast<double>(latencies_ms.size()) / seconds; }
};

double execute_ms(ExecutionContext& context, Lane& lane) {
  if (lane.on_device) return lane.on_device->execute_ms(context);
  const auto start = Clock::now();
  context.execute();
  return seconds_since(start) * 1e3;
}

void warm_up(ExecutionContext& context, Lane& lane, double seconds) {
  const auto start = Clock::now();
  lane.first_ms = execute_ms(context, lane);
  for (int i = 1; i < kMinWarmUpRuns || seconds_since(start) < seconds; ++i) execute_ms(context, lane);
}

void measure(ExecutionContext& context, Lane& lane, double seconds) {
  const auto start = Clock::now();
  do {
    lane.latencies_ms.push_back(execute_ms(context, lane));
  } while (seconds_since(start) < seconds);
}

/// Runs f(0) … f(n - 1) at the same time, the first on this thread.
template <typename F>
void side_by_side(std::vector<Lane>& lanes, const F& f) {
  const auto guarded = [&](size_t i) {
    try {
      f(i);
    } catch (...) {
      lanes[i].failure = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < lanes.size(); ++i) threads.emplace_back(guarded, i);
  guarded(0);
  for (std::thread& thread : threads) thread.join();
  for (const Lane& lane : lanes) {
    if (lane.failure) std::rethrow_exception(lane.failure);
  }
}

int threads_per_context(const Options& options) {
  if (options.num_threads > 0) return options.num_threads;
  return std::max(1, num_available_cores() / options.num_contexts);
}

/// Items per execution: the first dimension of the first input, when it is one.
int64_t batch_of(const Engine& engine, const std::map<std::string, Tensor>& inputs) {
  if (engine.inputs().empty()) return 1;
  const Shape& shape = inputs.at(engine.inputs().front().name).shape();
  return shape.rank() > 1 ? std::max<int64_t>(1, shape[0]) : 1;
}

Result bench(const Options& options, const Engine& engine, const std::map<std::string, Tensor>& inputs) {
  std::vector<ExecutionContext> contexts;
  std::vector<Lane> lanes(static_cast<size_t>(options.num_contexts));
  for (Lane& lane : lanes) {
    contexts.push_back(engine.create_context(threads_per_context(options)));
    if (options.memory == "device") {
      lane.on_device.emplace(engine, contexts.back(), inputs);
    } else {
      bind_inputs(contexts.back(), inputs);
    }
    contexts.back().prepare();
  }
  const double warm_up_s = std::max(kMinWarmUpSeconds, options.duration_s * 0.15);
  side_by_side(lanes, [&](size_t i) { warm_up(contexts[i], lanes[i], warm_up_s); });
  const auto start = Clock::now();
  side_by_side(lanes, [&](size_t i) { measure(contexts[i], lanes[i], options.duration_s); });
  Result result;
  result.seconds = seconds_since(start);
  result.batch = batch_of(engine, inputs);
  result.first_ms = lanes.front().first_ms;
  result.arena_bytes = contexts.front().arena_bytes();
  for (const Lane& lane : lanes) {
    result.latencies_ms.insert(result.latencies_ms.end(), lane.latencies_ms.begin(), lane.latencies_ms.end());
  }
  std::sort(result.latencies_ms.begin(), result.latencies_ms.end());
  return result;
}

Json to_json(const Options& options, const Result& result, const std::map<std::string, Tensor>& inputs) {
  Json shapes = Json::object();
  for (const auto& [name, tensor] : inputs) {
    shapes[name] = std::vector<int64_t>(tensor.shape().begin(), tensor.shape().end());
  }
  return {{"engine", options.engine},
          {"shapes", shapes},
          {"threads", threads_per_context(options)},
          {"contexts", options.num_contexts},
          {"memory", options.memory},
          {"executions", result.latencies_ms.size()},
          {"seconds", result.seconds},
          {"load_ms", result.load_ms},
          {"first_ms", result.first_ms},
          {"min_ms", result.latencies_ms.front()},
          {"median_ms", result.percentile(50)},
          {"p90_ms", result.percentile(90)},
          {"p99_ms", result.percentile(99)},
          {"max_ms", result.latencies_ms.back()},
          {"executions_per_s", result.executions_per_s()},
          {"items_per_s", result.executions_per_s() * static_cast<double>(result.batch)},
          {"arena_bytes", result.arena_bytes}};
}

void print_text(const Options& options, const Result& r, const std::map<std::string, Tensor>& inputs) {
  for (const auto& [name, tensor] : inputs) fmt::print("{:<14}{} {}\n", "input", name, to_string(tensor.shape()));
  fmt::print("{:<14}{} × {} threads\n", "contexts", options.num_contexts, threads_per_context(options));
  fmt::print("{:<14}{:.1f} ms, first execution {:.3f} ms\n", "load", r.load_ms, r.first_ms);
  fmt::print("{:<14}median {:.3f} ms   p90 {:.3f} ms   p99 {:.3f} ms   (min {:.3f}, max {:.3f}, {} executions)\n",
             "latency", r.percentile(50), r.percentile(90), r.percentile(99), r.latencies_ms.front(),
             r.latencies_ms.back(), r.latencies_ms.size());
  fmt::print("{:<14}{:.1f} executions/s, {:.1f} items/s\n", "throughput", r.executions_per_s(),
             r.executions_per_s() * static_cast<double>(r.batch));
  fmt::print("{:<14}{:.1f} MB per context\n", "arena", static_cast<double>(r.arena_bytes) / 1e6);
}

int run(const Options& options) {
  check(options.num_contexts >= 1 && options.num_contexts <= 1024, ErrorCode::kInvalidArgument,
        "--contexts {}: 1 to 1024 are possible", options.num_contexts);
  check(options.duration_s > 0 && options.duration_s <= 86400, ErrorCode::kInvalidArgument,
        "--duration {}: give a positive number of seconds", options.duration_s);
  const auto start = Clock::now();
  const Engine engine = Engine::load(options.engine);
  const double load_ms = seconds_since(start) * 1e3;
  const auto inputs = make_inputs(engine.impl()->data, options.inputs);
  Result result = bench(options, engine, inputs);
  result.load_ms = load_ms;
  std::vector<StepTiming> steps;
  if (options.profile_steps) {
    ExecutionContext context = engine.create_context(threads_per_context(options));
    bind_inputs(context, inputs);
    steps = context.profile(kProfileRounds);
  }
  if (options.flags.json) {
    Json json = to_json(options, result, inputs);
    if (options.profile_steps) json["steps"] = steps_to_json(steps);
    print_json(json);
  } else {
    print_text(options, result, inputs);
    if (options.profile_steps) print_steps(steps);
  }
  return 0;
}

Action declare(OptionSet& command, const CommandLine&) {
  auto options = std::make_shared<Options>();
  command.add("engine", options->engine, "The engine file").required().value_name("M.engine");
  add_shape_options(command, options->inputs);
  add_file_option(command, options->inputs);
  command.add("--threads", options->num_threads, "Threads of each context [cores / contexts]").value_name("N");
  command.add("--contexts", options->num_contexts, "Contexts that execute side by side").value_name("N").show_default();
  command.add("--duration", options->duration_s, "Seconds to measure, after a warm-up").value_name("S").show_default();
  command
      .add("--memory", options->memory,
           "Where inputs and outputs are: on the host, or on the GPU (timed by its events then)")
      .one_of({"host", "device"})
      .show_default();
  command.flag("--profile-steps", options->profile_steps, "Add a table of steps: time, GFLOP/s, GB/s, share");
  add_json_flag(command, options->flags);
  return [options] { return run(*options); };
}

}  // namespace

const Command kBench = {"bench", "Measure latency and throughput of an engine",
                        R"(  burnish bench m.engine
  burnish bench m.engine --shape image=8x3x224x224 --threads 2 --profile-steps
  burnish bench gpu.engine --memory device
  burnish bench m.engine --contexts 4 --threads 1 --duration 10 --json)",
                        declare};

}  // namespace burnish::cli
