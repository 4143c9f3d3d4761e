#include "cost/observation.h"

#include <algorithm>

namespace burnish::cost {
namespace {

constexpr double kFewExecutions = 5;

}  // namespace

LatencyCurve observed_curve(const std::map<int, Observation::Time>& times) {
  const bool has_many = std::ranges::any_of(times, [](const auto& t) { return t.second.executions >= kFewExecutions; });
  std::map<int, double> points;
  double slowest = 0;
  for (const auto& [batch, time] : times) {
    if (has_many && time.executions < kFewExecutions) continue;
    slowest = std::max(slowest, time.seconds);
    points[batch] = slowest;
  }
  return LatencyCurve(std::move(points));
}

}  // namespace burnish::cost
