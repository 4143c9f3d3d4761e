#include "cli/cost_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace burnish::cli {
namespace {

using cost::Report;
using cost::Sizing;
using cost::VolumePlan;

std::string with_currency(const Report& r, const std::string& amount) {
  return r.scenario.currency.empty() ? amount : amount + " " + r.scenario.currency;
}

bool pays_nothing(const Report& r) {
  return r.scenario.one_off_cost == 0;
}

}  // namespace

std::string grouped(double value) {
  std::string digits = fmt::format("{:.0f}", std::abs(value));
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<size_t>(at), ",");
  return (value < -0.5 ? "-" : "") + digits;
}

std::string about(double value) {
  const double power = std::pow(10, std::floor(std::log10(std::max(value, 1.0))) - 2);
  return grouped(power > 1 ? std::round(value / power) * power : value);
}

std::string money_text(const Report& r, double amount) {
  const bool is_small = std::abs(amount) < 99.995 && amount != 0;
  return with_currency(r, is_small ? fmt::format("{:.2f}", amount) : grouped(amount));
}

std::string percent_text(double share) {
  return fmt::format("{:.{}f} %", share * 100, std::abs(share) < 0.0995 ? 1 : 0);
}

std::string instances_text(const Sizing& sizing) {
  return fmt::format("{} + {}", sizing.peak.instances, sizing.spares);
}

std::string payback_text(const Report& r, size_t variant, const VolumePlan& plan) {
  const auto& months = plan.comparisons[variant].payback_months;
  if (variant == r.scenario.baseline) return "baseline";
  if (!months) return fmt::format("not within {} months", r.scenario.horizon_months);
  return pays_nothing(r) ? "at once" : fmt::format("{:.1f} months", *months);
}

std::string break_even_text(const Report& r, size_t variant) {
  const cost::BreakEven& b = r.break_evens[variant];
  const std::string& name = r.scenario.variants[variant].name;
  if (!b.always_from) {
    return fmt::format("{} does not pay for good below {} requests a day{}", name, about(b.examined_up_to),
                       b.first ? fmt::format(" (in places from {} on)", about(*b.first)) : "");
  }
  if (*b.always_from == 0) return fmt::format("{} pays at every volume", name);
  const bool earlier = b.first && *b.first < *b.always_from;
  return fmt::format("{} pays from about {} requests a day on{}", name, about(*b.always_from),
                     earlier ? fmt::format(" (in places from {} on)", about(*b.first)) : "");
}

std::string verdict_text(const Report& r, size_t variant, const VolumePlan& plan) {
  const Sizing& s = plan.sizings[variant];
  const cost::Comparison& c = plan.comparisons[variant];
  std::string text = fmt::format("At {} requests a day, {} takes {} instance{} and {} a month",
                                 grouped(plan.requests_per_day), r.scenario.variants[variant].name, s.instances(),
                                 s.instances() == 1 ? "" : "s", money_text(r, s.monthly_cost));
  if (variant == r.scenario.baseline) return text + ".";
  const std::string& old_name = r.baseline().name;
  if (c.saving_per_month == 0) return text + fmt::format(", the same as {}.", old_name);
  text += fmt::format(": {} {} than {} ({})", money_text(r, std::abs(c.saving_per_month)),
                      c.saving_per_month > 0 ? "less" : "more", old_name, percent_text(std::abs(c.saving_share)));
  if (pays_nothing(r)) return text + ".";
  const std::string one_off = money_text(r, r.scenario.one_off_cost);
  if (!c.payback_months) {
    return text + fmt::format("; {} spent once do not come back within {} months.", one_off, r.scenario.horizon_months);
  }
  return text + fmt::format("; {} spent once are back after {:.1f} months.", one_off, *c.payback_months);
}

std::string range_text(const Report& r, const std::optional<double>& low, const std::optional<double>& high) {
  const auto end = [](const std::optional<double>& value) {
    return value ? grouped(*value) : std::string("misses p99");
  };
  return end(low) + " … " + with_currency(r, end(high));
}

}  // namespace burnish::cli
