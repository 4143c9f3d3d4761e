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

/// All points are visited so often, one after the other: a disturbance of some seconds spoils no more than one visit.
constexpr size_t kVisits = 5;
constexpr int kLeastRounds = 4, kMostRounds = 200;  // of a visit
constexpr Seconds kBudget{3}, kLeastOfVisit{0.05}, kMostOfVisit{0.15};

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

struct Visit {
  double general_us = std::numeric_limits<double>::infinity(), us = general_us;
  double ratio() const { return us / general_us; }
};

/// The engines take turns in going first. The shortest times count: what else runs on the machine only ever adds.
Visit race(TimedEngine& general, TimedEngine* chosen, Seconds budget) {
  Visit visit;
  const auto run_general = [&] { visit.general_us = std::min(visit.general_us, general.run_us()); };
  const auto start = Clock::now();
  for (int round = 0; round < kMostRounds; ++round) {
    if (round >= kLeastRounds && Clock::now() - start > budget) break;
    if (round % 2 == 0) run_general();
    if (chosen != nullptr) visit.us = std::min(visit.us, chosen->run_us());
    if (round % 2 == 1) run_general();
  }
  if (chosen == nullptr) visit.us = visit.general_us;
  return visit;
}

/// Not the shortest of all: where only one engine ever ran undisturbed, that would pass for a gain.
Visit median_of(std::vector<Visit> visits) {
  const auto middle = visits.begin() + static_cast<int64_t>(visits.size() / 2);
  std::ranges::nth_element(visits, middle, {}, &Visit::ratio);
  return *middle;
}

}  // namespace

std::vector<PointTiming> time_points(const EngineData& general, const EngineData& chosen,
                                     const std::vector<TrafficPoint>& points, int num_threads,
                                     const Reporter& reporter) {
  TimedEngine before(general, num_threads), after(chosen, num_threads);
  const Seconds budget = std::clamp(kBudget / static_cast<double>(points.size()), kLeastOfVisit, kMostOfVisit);
  std::vector<std::vector<Visit>> visits(points.size());
  std::vector<PointTiming> timings(points.size());
  for (size_t i = 0; i < kVisits * points.size(); ++i) {
    reporter.advance("traffic", static_cast<int64_t>(i), static_cast<int64_t>(kVisits * points.size()));
    const size_t p = i % points.size();
    timings[p].plan = static_cast<size_t>(&choose_plan(chosen, points[p].shapes) - chosen.plans.data());
    TimedEngine* const other = timings[p].plan > 0 ? &after : nullptr;
    const auto inputs = inputs_at(general, points[p]);
    before.set(inputs);
    if (other != nullptr) other->set(inputs);
    visits[p].push_back(race(before, other, budget));
  }
  for (size_t p = 0; p < points.size(); ++p) {
    const Visit visit = median_of(std::move(visits[p]));
    timings[p].general_us = visit.general_us;
    timings[p].us = visit.us;
  }
  reporter.advance("traffic", 1, 1);
  return timings;
}

}  // namespace burnish
