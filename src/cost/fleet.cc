#include "cost/fleet.h"

#include <algorithm>

#include "base/error.h"
#include "cost/availability.h"
#include "cost/queueing.h"

namespace burnish::cost {
namespace {

template <typename F>
decltype(auto) of_variant(const Variant& variant, F&& f) {
  return with_frame([&] { return fmt::format("variant '{}'", variant.name); }, std::forward<F>(f));
}

double millions_per_month(double requests_per_day) {
  return requests_per_day * kDaysPerMonth / 1e6;
}

std::optional<double> theory_wait_s(const Operation& peak, const Instance& instance) {
  const Queue queue{peak.instances * instance.lanes, peak.rate_per_s, instance.latency.seconds(1)};
  if (peak.max_batch > 1) return std::nullopt;
  return mdc_mean_wait_s(queue);
}

}  // namespace

Fleet::Fleet(const Variant& variant, const Scenario& scenario, std::shared_ptr<const std::vector<double>> arrivals)
    : variant_(variant), scenario_(scenario), capacity_(of_variant(variant, [&] {
        return Capacity(instance_of(variant.measurements), scenario.level, std::move(arrivals));
      })) {}

int Fleet::needed_for(double requests_per_day) {
  return of_variant(variant_,
                    [&] { return capacity_.instances_for(peak_rate_per_s(scenario_.traffic, requests_per_day)); });
}

int Fleet::spares_of(int needed) const {
  const Redundancy& r = scenario_.redundancy;
  return r.availability ? spares_for(needed, *r.availability, r.instance_availability) : r.spares;
}

double Fleet::monthly_cost_of(int needed) const {
  return (needed + spares_of(needed)) * variant_.price.per_hour * kHoursPerMonth;
}

double Fleet::monthly_cost(double requests_per_day) {
  return monthly_cost_of(needed_for(requests_per_day));
}

double Fleet::carries_per_day(int needed) {
  return of_variant(variant_,
                    [&] { return requests_per_day_at_peak(scenario_.traffic, capacity_.rate_per_s(needed)); });
}

double Fleet::marginal_per_million(int needed) {
  const int next = std::min(needed + 1, kMaxInstances), last = next - 1;
  const double added = carries_per_day(next) - (last > 0 ? carries_per_day(last) : 0);
  return (monthly_cost_of(next) - monthly_cost_of(last)) / millions_per_month(added);
}

Sizing Fleet::size(double requests_per_day) {
  const Instance& instance = capacity_.instance();
  const int needed = needed_for(requests_per_day);
  Sizing s;
  s.requests_per_day = requests_per_day;
  s.peak = capacity_.operate(needed, peak_rate_per_s(scenario_.traffic, requests_per_day));
  s.spares = spares_of(needed);
  s.compute_hours_per_day = requests_per_day * instance.latency.seconds(1) / kSecondsPerHour;
  s.mean_utilisation = requests_per_day / (24 * kSecondsPerHour) /
                       (s.instances() * instance.lanes * instance.latency.best_items_per_s(s.peak.max_batch));
  s.monthly_cost = monthly_cost_of(needed);
  s.cost_per_million = s.monthly_cost / millions_per_month(requests_per_day);
  s.marginal_per_million = marginal_per_million(needed);
  s.theory_wait_s = theory_wait_s(s.peak, instance);
  return s;
}

std::vector<Step> Fleet::staircase(double up_to_requests_per_day) {
  std::vector<Step> steps;
  double reached = 0;
  for (int needed = 1; reached < up_to_requests_per_day && needed <= kMaxInstances; ++needed) {
    reached = carries_per_day(needed);
    steps.push_back({reached, needed + spares_of(needed), monthly_cost_of(needed)});
  }
  return steps;
}

}  // namespace burnish::cost
