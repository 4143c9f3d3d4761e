#include "cost/traffic_log.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "cost/csv.h"

namespace burnish::cost {
namespace {

constexpr double kLeastPerWindow = 100;
constexpr double kLeastSeconds = 3600;
constexpr size_t kLeastRequests = 100;

std::vector<double> times_of(std::string_view csv, const std::string& name) {
  std::vector<double> times;
  std::vector<std::string_view> cells;
  for (int number = 1; !csv.empty(); ++number) {
    split_cells(take_line(csv), cells);
    const std::string_view cell = cells.front();
    const auto time = parse_time(cell);
    if (time) times.push_back(*time);
    check(time || cell.empty() || number == 1, ErrorCode::kInvalidArgument,
          "'{}', line {}: '{}' is no time; the first column must hold ISO 8601 (2026-03-01T12:34:56Z) or seconds since "
          "1970",
          name, number, cell);
  }
  std::ranges::sort(times);
  return times;
}

/// Requests in consecutive windows of the log, by number of the window since 1970.
std::map<int64_t, double> counts_of(const std::vector<double>& times, double window_s) {
  std::map<int64_t, double> counts;
  for (const double time : times) counts[static_cast<int64_t>(std::floor(time / window_s))] += 1;
  return counts;
}

double peak_factor_of(const std::vector<double>& times) {
  const auto hours = counts_of(times, kSecondsPerHour);
  const auto busiest =
      *std::ranges::max_element(hours, {}, [](const std::pair<const int64_t, double>& hour) { return hour.second; });
  for (const double window_s : {60.0, 300.0, 900.0}) {
    const double average = busiest.second * window_s / kSecondsPerHour;
    if (average < kLeastPerWindow) continue;
    double most = 0;
    for (const auto& [window, count] : counts_of(times, window_s)) {
      const double start = static_cast<double>(window) * window_s;
      if (std::floor(start / kSecondsPerHour) == static_cast<double>(busiest.first)) most = std::max(most, count);
    }
    return std::max(1.0, most / average);
  }
  return 1;
}

}  // namespace

Traffic read_traffic_log(std::string_view csv, const std::string& name) {
  const std::vector<double> times = times_of(csv, name);
  check(times.size() >= kLeastRequests, ErrorCode::kInvalidArgument,
        "'{}' has {} requests; {} at least say something about traffic", name, times.size(), kLeastRequests);
  const double seconds = times.back() - times.front();
  check(seconds >= kLeastSeconds, ErrorCode::kInvalidArgument,
        "'{}' covers {:.0f} s; an hour at least is needed, whole days are better", name, seconds);
  Traffic traffic;
  traffic.profile.name = fmt::format("log {}", name);
  for (const double time : times) {
    traffic.profile.weights[static_cast<size_t>(std::fmod(time / kSecondsPerHour, 24))] += 1;
  }
  traffic.requests_per_day = {static_cast<double>(times.size()) * 24 * kSecondsPerHour / seconds};
  traffic.peak_factor = peak_factor_of(times);
  return traffic;
}

}  // namespace burnish::cost
