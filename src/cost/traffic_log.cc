#include "cost/traffic_log.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>

#include "base/error.h"

namespace burnish::cost {
namespace {

constexpr double kMilliseconds = 1e11;  ///< Seconds would be in the year 5138.
constexpr double kLeastPerWindow = 100;
constexpr double kLeastSeconds = 3600;
constexpr size_t kLeastRequests = 100;

/// Reads digits at the front of text and removes them.
std::optional<int> take_number(std::string_view& text, size_t digits) {
  int value = 0;
  if (text.size() < digits) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc() || end != text.data() + digits || value < 0) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<double> take_date(std::string_view& text) {
  const auto year = take_number(text, 4);
  if (!year || !take(text, "-")) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, "-")) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return static_cast<double>(std::chrono::sys_days(date).time_since_epoch().count()) * 24 * kSecondsPerHour;
}

/// Hours and minutes, colon between them or not.
std::optional<double> take_clock(std::string_view& text) {
  const auto hours = take_number(text, 2);
  take(text, ":");
  const auto minutes = take_number(text, 2);
  if (!hours || !minutes || *hours > 24 || *minutes > 59) return std::nullopt;
  return *hours * kSecondsPerHour + *minutes * 60;
}

std::optional<double> take_offset(std::string_view& text) {
  if (text.empty() || take(text, "Zz")) return 0;
  const double sign = text.front() == '-' ? -1 : 1;
  if (!take(text, "+-")) return std::nullopt;
  const auto offset = take_clock(text);
  return offset ? std::optional(sign * *offset) : std::nullopt;
}

std::optional<double> iso_time(std::string_view text) {
  const auto date = take_date(text);
  if (!date || !take(text, "T ")) return std::nullopt;
  const auto clock = take_clock(text);
  if (!clock || !take(text, ":")) return std::nullopt;
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds, std::chars_format::fixed);
  if (error != std::errc() || !(seconds >= 0 && seconds < 61)) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  return *date + *clock + seconds - *offset;
}

std::optional<double> unix_time(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value < 1e15)) return std::nullopt;
  return value > kMilliseconds ? value / 1e3 : value;
}

std::string_view first_column(std::string_view line) {
  line = line.substr(0, line.find_first_of(",;\t"));
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '"')) line.remove_suffix(1);
  while (!line.empty() && (line.front() == ' ' || line.front() == '"')) line.remove_prefix(1);
  return line;
}

std::vector<double> times_of(std::string_view csv, const std::string& name) {
  std::vector<double> times;
  for (int number = 1; !csv.empty(); ++number) {
    const size_t length = csv.find('\n');
    const std::string_view cell = first_column(csv.substr(0, length));
    csv.remove_prefix(length == std::string_view::npos ? csv.size() : length + 1);
    auto time = iso_time(cell);
    if (!time) time = unix_time(cell);
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
