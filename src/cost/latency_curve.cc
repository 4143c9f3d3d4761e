#include "cost/latency_curve.h"

#include <cmath>
#include <iterator>

#include "base/error.h"

namespace burnish::cost {
namespace {

/// What noise of a measurement may make a larger batch look faster.
constexpr double kNoise = 0.05;

}  // namespace

LatencyCurve::LatencyCurve(std::map<int, double> seconds_by_batch) : points_(std::move(seconds_by_batch)) {
  check(!points_.empty(), ErrorCode::kInvalidArgument, "no batch size has a measured time");
  const std::pair<const int, double>* slowest = nullptr;
  for (const auto& point : points_) {
    const auto& [batch, s] = point;
    check(batch >= 1, ErrorCode::kInvalidArgument, "batch size {}: sizes begin at 1", batch);
    check(std::isfinite(s) && s > 0, ErrorCode::kInvalidArgument, "batch {} takes {} s: give a positive time", batch,
          s);
    check(!slowest || s >= slowest->second * (1 - kNoise), ErrorCode::kInvalidArgument,
          "batch {} takes {:.4g} ms, less than the {:.4g} ms of batch {}: give the time of a whole batch, not of one "
          "item; "
          "if it is measured, measure again on an idle machine",
          batch, s * 1e3, slowest ? slowest->second * 1e3 : 0, slowest ? slowest->first : 0);
    if (!slowest || s > slowest->second) slowest = &point;
  }
}

double LatencyCurve::seconds(int batch) const {
  check(batch >= 1 && batch <= largest_batch(), ErrorCode::kInvalidArgument,
        "batch {} was not measured: the largest measured is {}; measure it, or lower --max-batch", batch,
        largest_batch());
  const auto above = points_.lower_bound(batch);
  if (above->first == batch || above == points_.begin()) return above->second;
  const auto below = std::prev(above);
  const double share = static_cast<double>(batch - below->first) / (above->first - below->first);
  return below->second + share * (above->second - below->second);
}

double LatencyCurve::best_items_per_s(int max_batch) const {
  // Between measured sizes b / (p + q·b) is monotonous: the best lies at one of them or at max_batch.
  double best = max_batch / seconds(max_batch);
  for (const auto& [batch, s] : points_) {
    if (batch <= max_batch) best = std::max(best, batch / s);
  }
  return best;
}

LatencyCurve LatencyCurve::scaled(double factor) const {
  auto points = points_;
  for (auto& [batch, s] : points) s *= factor;
  return LatencyCurve(std::move(points));
}

}  // namespace burnish::cost
