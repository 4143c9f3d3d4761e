#include "cost/units.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>

#include "base/error.h"

namespace burnish::cost {
namespace {

constexpr size_t kLongestCurrency = 8;
constexpr double kSecondsPerDay = 86400;

struct Unit {
  std::string_view name;
  double factor;
};
constexpr Unit kTimes[] = {{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}};
constexpr Unit kShares[] = {{"", 1}, {"%", 1e-2}};
constexpr Unit kVolumes[] = {{"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"/s", kSecondsPerDay}};

struct Figure {
  double number = 0;
  std::string_view unit;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Figure split(std::string_view text, std::string_view what, std::string_view example) {
  Figure figure;
  const std::string_view body = trimmed(text);
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), figure.number);
  check(error == std::errc() && std::isfinite(figure.number), ErrorCode::kInvalidArgument,
        "{} '{}': that does not begin with a number; write it like {}", what, text, example);
  figure.unit = trimmed(body.substr(static_cast<size_t>(end - body.data())));
  return figure;
}

double with_unit(std::string_view text, std::string_view what, std::span<const Unit> units, std::string_view example) {
  const Figure figure = split(text, what, example);
  for (const Unit& unit : units) {
    if (unit.name == figure.unit) return figure.number * unit.factor;
  }
  const std::string problem =
      figure.unit.empty() ? "has no unit" : fmt::format("has an unknown unit '{}'", figure.unit);
  throw_error(ErrorCode::kInvalidArgument, "{} '{}' {}; write it like {}", what, text, problem, example);
}

Money money_of(std::string_view text, std::string_view what, const Figure& figure, std::string_view example) {
  const bool letters = std::ranges::all_of(figure.unit, [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; });
  check(letters && figure.unit.size() <= kLongestCurrency, ErrorCode::kInvalidArgument,
        "{} '{}': '{}' is no currency; write it like {}", what, text, figure.unit, example);
  check(figure.number >= 0, ErrorCode::kInvalidArgument, "{} '{}' is negative; write it like {}", what, text, example);
  return {figure.number, std::string(figure.unit)};
}

}  // namespace

double parse_seconds(std::string_view text, std::string_view what, bool zero_allowed) {
  const double s = with_unit(text, what, kTimes, "10ms, 0.5s or 800us");
  check(s > 0 || (zero_allowed && s == 0), ErrorCode::kInvalidArgument, "{} '{}': give a positive time, such as 10ms",
        what, text);
  return s;
}

double parse_share(std::string_view text, std::string_view what) {
  return with_unit(text, what, kShares, "80% or 0.8");
}

double parse_requests_per_day(std::string_view text, std::string_view what) {
  const double volume = with_unit(text, what, kVolumes, "100000, 100k or 2.5M requests a day, or 12/s");
  check(volume > 0, ErrorCode::kInvalidArgument, "{} '{}': give a positive number of requests a day, such as 100k",
        what, text);
  return volume;
}

Money parse_money(std::string_view text, std::string_view what) {
  constexpr std::string_view kExample = "5000USD";
  return money_of(text, what, split(text, what, kExample), kExample);
}

Money parse_hourly_price(std::string_view text, std::string_view what) {
  constexpr std::string_view kExample = "2.50USD/h";
  Figure figure = split(text, what, kExample);
  check(figure.unit.ends_with("/h"), ErrorCode::kInvalidArgument, "{} '{}' is not by the hour; write it like {}", what,
        text, kExample);
  figure.unit = trimmed(figure.unit.substr(0, figure.unit.size() - 2));
  return money_of(text, what, figure, kExample);
}

}  // namespace burnish::cost
