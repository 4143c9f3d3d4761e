#include "cost/traffic.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace burnish::cost {
namespace {

constexpr double kSecondsPerDay = 24 * kSecondsPerHour;

struct NamedProfile {
  std::string_view name;
  std::array<double, 24> weights;
};
// Round shapes to begin with; a real log (--log) is better.
constexpr NamedProfile kProfiles[] = {
    {"flat", {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
    {"office", {1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 19, 18, 15, 17, 19, 18, 16, 12, 8, 5, 4, 3, 2, 1}},
    {"evening", {6, 4, 2, 1, 1, 1, 2, 4, 5, 5, 6, 6, 7, 7, 7, 8, 9, 11, 14, 17, 19, 19, 15, 10}},
};

void check_weights(const DailyProfile& profile) {
  double sum = 0;
  for (const double weight : profile.weights) {
    check(std::isfinite(weight) && weight >= 0, ErrorCode::kInvalidArgument,
          "daily profile: an hour's weight is {}; weights are 0 or more", weight);
    sum += weight;
  }
  check(std::isfinite(sum) && sum > 0, ErrorCode::kInvalidArgument,
        "daily profile: no hour has any requests; one weight at least must be positive");
}

}  // namespace

double DailyProfile::peak_to_mean() const {
  return *std::ranges::max_element(weights) * 24 / std::accumulate(weights.begin(), weights.end(), 0.0);
}

DailyProfile parse_profile(std::string_view text) {
  for (const NamedProfile& known : kProfiles) {
    if (known.name == text) return {std::string(text), known.weights};
  }
  DailyProfile profile{"own weights", {}};
  const char* at = text.data();
  const char* const end = at + text.size();
  bool valid = true;
  for (size_t hour = 0; valid && hour < 24; ++hour) {
    const auto [next, error] = std::from_chars(at, end, profile.weights[hour]);
    const bool is_last = hour == 23;
    valid = error == std::errc() && (is_last ? next == end : next != end && *next == ',');
    at = next + (valid && !is_last ? 1 : 0);
  }
  check(valid, ErrorCode::kInvalidArgument,
        "daily profile '{}': give flat, office, evening, or 24 weights from midnight on, such as 1,1,1,1,1,2,4,…",
        text);
  check_weights(profile);
  return profile;
}

void check_traffic(const Traffic& traffic) {
  check(!traffic.requests_per_day.empty(), ErrorCode::kInvalidArgument,
        "no traffic is given; say --requests-per-day 100k (it may be repeated) or --log FILE.csv");
  check(traffic.peak_factor >= 1 && traffic.peak_factor <= 1000, ErrorCode::kInvalidArgument,
        "peak factor {}: the busiest minutes over their hour's average, 1 to 1000; 1.5 is a common start",
        traffic.peak_factor);
  check(traffic.growth_per_month > -1 && traffic.growth_per_month <= 10, ErrorCode::kInvalidArgument,
        "growth of {} % a month: above -100 %, and 1000 % at most", traffic.growth_per_month * 100);
  check_weights(traffic.profile);
}

double peak_rate_per_s(const Traffic& traffic, double requests_per_day) {
  return requests_per_day / kSecondsPerDay * traffic.profile.peak_to_mean() * traffic.peak_factor;
}

double requests_per_day_at_peak(const Traffic& traffic, double rate_per_s) {
  return rate_per_s * kSecondsPerDay / traffic.profile.peak_to_mean() / traffic.peak_factor;
}

}  // namespace burnish::cost
