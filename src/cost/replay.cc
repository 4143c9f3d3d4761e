#include "cost/replay.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace burnish::cost {
namespace {

constexpr size_t kLeastArrivals = 100;
/// simulate() needs so many largest batches of requests.
constexpr int kBatchesOfRequests = 10;
/// As a target: none.
constexpr double kAnyTime_s = 1e9;

LatencyCurve by_requests(const LatencyCurve& times, double items_per_request) {
  std::map<int, double> points;
  const auto add = [&](int requests) {
    const auto items = static_cast<int>(std::lround(requests * items_per_request));
    points[requests] = times.seconds(std::clamp(items, 1, times.largest_batch()));
  };
  add(1);
  for (const auto& [batch, seconds] : times.points()) add(std::max(1, static_cast<int>(batch / items_per_request)));
  return LatencyCurve(std::move(points));
}

}  // namespace

Replay::Replay(const LatencyCurve& times, double items_per_request, std::vector<double> arrivals_s,
               const AuditTarget& target, bool prepared_sizes)
    : times_(by_requests(times, items_per_request)),
      items_per_request_(items_per_request),
      target_(target),
      prepared_sizes_(prepared_sizes && items_per_request == 1) {
  check(arrivals_s.size() >= kLeastArrivals && arrivals_s.back() > arrivals_s.front(), ErrorCode::kInvalidArgument,
        "{} requests are too few to replay; {} at least, spread over time, say something", arrivals_s.size(),
        kLeastArrivals);
  rate_per_s_ = static_cast<double>(arrivals_s.size() - 1) / (arrivals_s.back() - arrivals_s.front());
  for (double& time : arrivals_s) time *= rate_per_s_;
  arrivals_ = std::make_shared<const std::vector<double>>(std::move(arrivals_s));
}

int Replay::requests_of(int items) const {
  const auto requests = static_cast<int>(items / items_per_request_);
  const int most = static_cast<int>(std::min<size_t>(arrivals_->size() / kBatchesOfRequests, kMaxInstances));
  return std::clamp(requests, 1, std::min(times_.largest_batch(), most));
}

Prediction Replay::predict(const ServingSettings& settings) const {
  const int max_batch = requests_of(settings.max_batch);
  const BatchServer server{settings.instances, max_batch, max_batch > 1 ? settings.queue_delay_s : 0,
                           [&](int batch) { return times_.seconds(batch); }, prepared_sizes_};
  const double best = settings.instances * times_.best_items_per_s(max_batch);
  return {settings, simulate(server, *arrivals_, 1 / rate_per_s_), rate_per_s_ / best};
}

bool Replay::holds(const Prediction& p) const {
  return p.utilisation <= target_.max_utilisation && p.simulated.p99_s <= target_.p99_s.value_or(kAnyTime_s);
}

std::optional<Capacity> Replay::capacity(const ServingSettings& settings) const {
  ServiceLevel level{target_.p99_s.value_or(kAnyTime_s), target_.max_utilisation, settings.queue_delay_s,
                     requests_of(settings.max_batch), prepared_sizes_};
  if (level.max_batch == 1) level.queue_delay_s = 0;
  if (times_.seconds(1) + level.queue_delay_s > level.p99_s) return std::nullopt;
  return Capacity({times_, 1}, level, arrivals_);
}

double Replay::capacity_per_s(const ServingSettings& settings) const {
  auto capacity = this->capacity(settings);
  return capacity ? capacity->rate_per_s(settings.instances) : 0;
}

std::optional<int> Replay::instances_for(const ServingSettings& settings) const {
  auto capacity = this->capacity(settings);
  return capacity ? std::optional(capacity->instances_for(rate_per_s_)) : std::nullopt;
}

std::vector<int> Replay::batches() const {
  const int most = requests_of(std::numeric_limits<int>::max());
  std::vector<int> items;
  const auto add = [&](int requests) { items.push_back(static_cast<int>(std::lround(requests * items_per_request_))); };
  for (int b = 1; b < most; b *= 2) add(b);
  add(most);
  return items;
}

}  // namespace burnish::cost
