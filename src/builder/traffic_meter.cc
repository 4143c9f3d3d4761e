#include "builder/traffic_meter.h"

#include <burnish/engine.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "ops/elements.h"
#include "runtime/context_impl.h"
#include "runtime/shape_choice.h"

namespace burnish {
namespace {

using Clock = std::chrono::steady_clock;

using Seconds = std::chrono::duration<double>;

/// All points are visited so often: a disturbance of some seconds spoils no more than one visit.
constexpr int kVisits = 4;
constexpr int kLeastRounds = 4, kMostRounds = 200;  // of a visit
constexpr Seconds kBudget{4}, kLeastOfVisit{0.1}, kMostOfVisit{0.4};

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
    context_.execute();  // prepares, and warms up
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

/// The engines take turns in going first. Never the mean or the median: what else runs on the machine only ever adds
/// time, at times to most of the rounds.
void race(TimedEngine& general, TimedEngine* chosen, Seconds budget, PointTiming& timing) {
  const auto run_general = [&] { timing.general_us = std::min(timing.general_us, general.run_us()); };
  const auto start = Clock::now();
  for (int round = 0; round < kMostRounds; ++round) {
    if (round >= kLeastRounds && Clock::now() - start > budget) break;
    if (round % 2 == 0) run_general();
    if (chosen != nullptr) timing.us = std::min(timing.us, chosen->run_us());
    if (round % 2 == 1) run_general();
  }
  if (chosen == nullptr) timing.us = timing.general_us;
}

PointTiming untimed(const EngineData& chosen, const TrafficPoint& point) {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  return {kNever, kNever, static_cast<size_t>(&choose_plan(chosen, point.shapes) - chosen.plans.data())};
}

}  // namespace

std::vector<PointTiming> time_points(const EngineData& general, const EngineData& chosen,
                                     const std::vector<TrafficPoint>& points, int num_threads,
                                     const Reporter& reporter) {
  TimedEngine before(general, num_threads), after(chosen, num_threads);
  const Seconds budget = std::clamp(kBudget / static_cast<double>(points.size()), kLeastOfVisit, kMostOfVisit);
  std::vector<PointTiming> timings;
  for (const TrafficPoint& point : points) timings.push_back(untimed(chosen, point));
  const size_t visits = kVisits * points.size();
  for (size_t visit = 0; visit < visits; ++visit) {
    reporter.advance("traffic", static_cast<int64_t>(visit), static_cast<int64_t>(visits));
    const size_t p = visit % points.size();
    const auto inputs = inputs_at(general, points[p]);
    TimedEngine* const other = timings[p].plan > 0 ? &after : nullptr;
    before.set(inputs);
    if (other != nullptr) other->set(inputs);
    race(before, other, budget, timings[p]);
  }
  reporter.advance("traffic", static_cast<int64_t>(visits), static_cast<int64_t>(visits));
  return timings;
}

}  // namespace burnish
