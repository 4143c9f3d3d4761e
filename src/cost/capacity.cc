#include "cost/capacity.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"

namespace burnish::cost {
namespace {

constexpr double kRatePrecision = 0.002;
/// Lower rates than this share of the limit count as none.
constexpr double kLeastShare = 1e-3;
constexpr int kEverySimulated = 32;
constexpr int kKnotsPerOctave = 4;

void check_level(const ServiceLevel& level, const Instance& instance) {
  check(std::isfinite(level.p99_s) && level.p99_s > 0, ErrorCode::kInvalidArgument,
        "the p99 target is {} s: give a positive time, such as --p99 50ms", level.p99_s);
  check(
      level.max_utilisation > 0 && level.max_utilisation < 1, ErrorCode::kInvalidArgument,
      "utilisation limit {}: it must lie above 0 and below 1 (100 %), where queues grow for ever; 0.6 to 0.85 is usual",
      level.max_utilisation);
  check(level.queue_delay_s >= 0, ErrorCode::kInvalidArgument, "queue delay {} s: it cannot be negative",
        level.queue_delay_s);
  check(instance.lanes >= 1, ErrorCode::kInvalidArgument, "an instance with {} lanes: at least 1", instance.lanes);
  const int largest = instance.latency.largest_batch();
  check(level.max_batch >= 0 && level.max_batch <= largest, ErrorCode::kInvalidArgument,
        "largest batch {}: 1 to {} were measured; measure larger ones, or lower --max-batch", level.max_batch, largest);
  const double alone = instance.latency.seconds(1) + (largest > 1 && level.max_batch != 1 ? level.queue_delay_s : 0);
  check(
      alone <= level.p99_s, ErrorCode::kInvalidArgument,
      "the p99 target of {:.4g} ms is below what a request takes on an idle instance: service time {:.4g} ms, waiting "
      "for a batch {:.4g} ms; raise --p99, lower --queue-delay or use a faster variant",
      level.p99_s * 1e3, instance.latency.seconds(1) * 1e3, (alone - instance.latency.seconds(1)) * 1e3);
}

/// Measured sizes, powers of two and the limit itself, as far as a batch of that size can be answered in time.
std::vector<int> batches_to_try(const ServiceLevel& level, const LatencyCurve& latency) {
  const int most = level.max_batch > 0 ? level.max_batch : latency.largest_batch();
  std::set<int> sizes = {most};
  for (int b = 1; b <= most; b *= 2) sizes.insert(b);
  for (const auto& [batch, s] : latency.points()) sizes.insert(batch);
  std::vector<int> batches;
  for (const int b : sizes) {
    if (b == 1 || (b <= most && latency.seconds(b) <= level.p99_s)) batches.push_back(b);
  }
  std::ranges::stable_sort(batches, std::greater<>(), [&](int b) { return latency.best_items_per_s(b); });
  return batches;
}

/// The simulated numbers of instances on both sides.
std::pair<int, int> knots_around(int instances) {
  int below = kEverySimulated, above = below;
  for (int k = 1; above < instances; ++k) {
    below = above;
    above = static_cast<int>(std::ceil(kEverySimulated * std::exp2(static_cast<double>(k) / kKnotsPerOctave)));
  }
  return {below, above};
}

}  // namespace

Capacity::Capacity(Instance instance, const ServiceLevel& level, std::shared_ptr<const std::vector<double>> arrivals)
    : instance_(std::move(instance)), level_(level), arrivals_(std::move(arrivals)) {
  check_level(level_, instance_);
  batches_ = batches_to_try(level_, instance_.latency);
}

Operation Capacity::run(int instances, int max_batch, double rate_per_s) const {
  const LatencyCurve& latency = instance_.latency;
  BatchServer server{instances * instance_.lanes, max_batch, max_batch > 1 ? level_.queue_delay_s : 0,
                     [&](int batch) { return latency.seconds(batch); }, level_.prepared_sizes};
  const double best = instances * instance_.lanes * latency.best_items_per_s(max_batch);
  return {rate_per_s, instances, max_batch, rate_per_s / best, simulate(server, *arrivals_, 1 / rate_per_s)};
}

bool Capacity::holds(int instances, int max_batch, double rate_per_s) const {
  return run(instances, max_batch, rate_per_s).simulated.p99_s <= level_.p99_s;
}

double Capacity::limit_per_s(int instances, int max_batch) const {
  return level_.max_utilisation * instances * instance_.lanes * instance_.latency.best_items_per_s(max_batch);
}

double Capacity::bisect(int instances, int max_batch, double low, double high) const {
  while (high - low > kRatePrecision * high) {
    const double middle = (low + high) / 2;
    (holds(instances, max_batch, middle) ? low : high) = middle;
  }
  return low;
}

Capacity::Setting Capacity::best_setting(int instances) const {
  Setting best;
  for (const int batch : batches_) {
    const double limit = limit_per_s(instances, batch);
    const double least = std::max(best.rate_per_s, kLeastShare * limit);
    if (limit <= best.rate_per_s || !holds(instances, batch, least)) continue;
    best = {holds(instances, batch, limit) ? limit : bisect(instances, batch, least, limit), batch};
  }
  return best;
}

const Capacity::Setting& Capacity::setting(int instances) {
  const auto [it, is_new] = settings_.try_emplace(instances);
  if (!is_new) return it->second;
  const double limit = limit_per_s(instances, batches_.front());
  // More instances share their queue better: what does not bind for a few does not bind for more.
  it->second = instances >= limited_from_ ? Setting{limit, batches_.front()} : best_setting(instances);
  if (it->second.rate_per_s >= limit) limited_from_ = std::min(limited_from_, instances);
  return it->second;
}

double Capacity::rate_per_s(int instances) {
  check(instances >= 1 && instances <= kMaxInstances, ErrorCode::kInvalidArgument,
        "{} instances: 1 to {} can be planned", instances, kMaxInstances);
  if (instances <= kEverySimulated || instances >= limited_from_) return setting(instances).rate_per_s;
  const auto [below, above] = knots_around(instances);
  const double low = setting(below).rate_per_s / below, high = setting(above).rate_per_s / above;
  const double share = above == below ? 0 : static_cast<double>(instances - below) / (above - below);
  return instances * (low + share * (high - low));
}

int Capacity::instances_for(double rate) {
  check(std::isfinite(rate) && rate >= 0, ErrorCode::kInvalidArgument, "{} requests/s: give a rate of 0 or more", rate);
  const double least = std::ceil(rate / limit_per_s(1, batches_.front()));
  check(least <= kMaxInstances, ErrorCode::kInvalidArgument,
        "{:.4g} requests/s need {:.4g} instances or more; plans end at {}. Check the traffic's and the times' units",
        rate, least, kMaxInstances);
  // The limit itself, computed in another order, must not ask for one more.
  const double wanted = rate * (1 - 1e-9);
  int low = std::max(1, static_cast<int>(least) - 1), high = low;
  while (rate_per_s(high) < wanted) {
    check(high < kMaxInstances, ErrorCode::kInvalidArgument,
          "{} instances do not carry {:.4g} requests/s within the p99 target; raise --p99", kMaxInstances, rate);
    low = high + 1;
    high = std::min(kMaxInstances, std::max(high + 1, high * 5 / 4));
  }
  while (low < high) {
    const int middle = (low + high) / 2;
    rate_per_s(middle) >= wanted ? high = middle : low = middle + 1;
  }
  return high;
}

Operation Capacity::operate(int instances, double rate) {
  Operation best = run(instances, batches_.front(), rate);
  for (const int batch : batches_) {
    if (best.simulated.p99_s <= level_.p99_s && best.utilisation <= level_.max_utilisation * (1 + kRatePrecision))
      break;
    if (batch != best.max_batch) best = run(instances, batch, rate);
  }
  return best;
}

}  // namespace burnish::cost
