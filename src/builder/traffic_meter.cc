#include "builder/traffic_meter.h"

#include <burnish/engine.h>

#include <algorithm>
#include <chrono>

#include "ops/elements.h"
#include "runtime/context_impl.h"
#include "runtime/shape_choice.h"

namespace burnish {
namespace {

using Clock = std::chrono::steady_clock;

// For all points together, and for one of them.
constexpr std::chrono::duration<double> kBudget{15}, kLeastOfPoint{0.3}, kMostOfPoint{1.5};
constexpr int kLeastRounds = 11, kMostRounds = 500, kWarmUps = 2;

Tensor ones(DType dtype, const Shape& shape) {
  Tensor tensor(dtype, shape);
  const std::vector<float> values(static_cast<size_t>(tensor.num_elements()), 1.0F);
  store_elements(values.data(), tensor.view());
  return tensor;
}

std::vector<Tensor> inputs_at(const EngineData& data, const TrafficPoint& point) {
  std::vector<Tensor> inputs;
  const Plan& plan = data.plans[0];
  for (size_t i = 0; i < plan.inputs.size(); ++i) {
    inputs.push_back(ones(plan.values[static_cast<size_t>(plan.inputs[i].value)].dtype, point.shapes[i]));
  }
  return inputs;
}

/// An engine with one context that is asked for one point after the other.
class TimedEngine {
 public:
  TimedEngine(const EngineData& data, int num_threads)
      : engine_(std::make_shared<const Engine::Impl>(data)), context_(engine_.create_context(num_threads)) {}

  /// inputs must outlive the executions.
  void set(const std::vector<Tensor>& inputs) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      context_.set_input_shape(engine_.inputs()[i].name, inputs[i].shape().dims());
      context_.set_input(engine_.inputs()[i].name, inputs[i].data());
    }
    for (int i = 0; i < kWarmUps; ++i) context_.execute();
  }

  double run_us() {
    const auto start = Clock::now();
    context_.execute();
    return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
  }

 private:
  Engine engine_;
  ExecutionContext context_;
};

double median(std::vector<double> times) {
  const auto middle = times.begin() + static_cast<int64_t>(times.size() / 2);
  std::ranges::nth_element(times, middle);
  return *middle;
}

void race(TimedEngine& general, TimedEngine* chosen, std::chrono::duration<double> budget, PointTiming& timing) {
  std::vector<double> before, after;
  const auto start = Clock::now();
  for (int round = 0; round < kMostRounds; ++round) {
    if (round >= kLeastRounds && Clock::now() - start > budget) break;
    before.push_back(general.run_us());
    if (chosen != nullptr) after.push_back(chosen->run_us());
  }
  timing.general_us = median(before);
  timing.us = chosen != nullptr ? median(after) : timing.general_us;
}

}  // namespace

std::vector<PointTiming> time_points(const EngineData& general, const EngineData& chosen,
                                     const std::vector<TrafficPoint>& points, int num_threads,
                                     const Reporter& reporter) {
  TimedEngine before(general, num_threads), after(chosen, num_threads);
  const auto budget =
      std::clamp(kBudget / std::max(1.0, static_cast<double>(points.size())), kLeastOfPoint, kMostOfPoint);
  std::vector<PointTiming> timings;
  for (const TrafficPoint& point : points) {
    reporter.advance("traffic", static_cast<int64_t>(timings.size()), static_cast<int64_t>(points.size()));
    const auto inputs = inputs_at(general, point);
    PointTiming timing;
    timing.plan = static_cast<size_t>(&choose_plan(chosen, point.shapes) - chosen.plans.data());
    before.set(inputs);
    if (timing.plan > 0) after.set(inputs);
    race(before, timing.plan > 0 ? &after : nullptr, budget, timing);
    timings.push_back(timing);
  }
  reporter.advance("traffic", static_cast<int64_t>(points.size()), static_cast<int64_t>(points.size()));
  return timings;
}

}  // namespace burnish
