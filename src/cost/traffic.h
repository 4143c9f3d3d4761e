#pragma once
// How many requests come, and when.
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace burnish::cost {

inline constexpr double kSecondsPerHour = 3600;
/// 365 days in twelve months.
inline constexpr double kDaysPerMonth = 365.0 / 12;
inline constexpr double kHoursPerMonth = 24 * kDaysPerMonth;

struct DailyProfile {
  std::string name;
  std::array<double, 24> weights{};  ///< Of the hours from midnight on; only their ratios count.
  /// The busiest hour's requests over the average hour's.
  double peak_to_mean() const;
};

/// "flat", "office", "evening", or 24 weights with commas between them. Throws kInvalidArgument.
DailyProfile parse_profile(std::string_view text);

struct Traffic {
  std::vector<double> requests_per_day;  ///< Volumes to plan for; ascending.
  DailyProfile profile;
  double peak_factor = 1;       ///< The busiest minutes' rate over their hour's.
  double growth_per_month = 0;  ///< 0.05: 5 % more every month.
};

/// Throws kInvalidArgument: no volume, a peak factor below 1 or above 1000, growth of -100 % or less or above 1000 %.
void check_traffic(const Traffic& traffic);

/// Requests per second that must be carried: volume / 24 h · profile's peak · peak factor.
double peak_rate_per_s(const Traffic& traffic, double requests_per_day);
/// The volume whose peak this rate is.
double requests_per_day_at_peak(const Traffic& traffic, double rate_per_s);

}  // namespace burnish::cost
