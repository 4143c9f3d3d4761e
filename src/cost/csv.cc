#include "cost/csv.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "cost/traffic.h"

namespace burnish::cost {
namespace {

constexpr double kMilliseconds = 1e11;  ///< Seconds would be in the year 5138.
constexpr std::string_view kSeparators = ",;\t", kAround = " \"\r";

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
  const auto value = parse_number(text);
  if (!value || !(*value >= 0 && *value < 1e15)) return std::nullopt;
  return *value > kMilliseconds ? *value / 1e3 : *value;
}

}  // namespace

std::string_view take_line(std::string_view& text) {
  const size_t length = text.find('\n');
  const std::string_view line = text.substr(0, length);
  text.remove_prefix(length == std::string_view::npos ? text.size() : length + 1);
  return line;
}

void split_cells(std::string_view line, std::vector<std::string_view>& cells) {
  cells.clear();
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find_first_of(kSeparators, begin), line.size());
    std::string_view cell = line.substr(begin, end - begin);
    cell.remove_prefix(std::min(cell.find_first_not_of(kAround), cell.size()));
    cells.push_back(cell.substr(0, cell.find_last_not_of(kAround) + 1));
    begin = end + 1;
  }
}

std::optional<double> parse_time(std::string_view text) {
  const auto time = iso_time(text);
  return time ? time : unix_time(text);
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace burnish::cost
