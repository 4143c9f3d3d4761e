#pragma once
// Figures with units, as people type them. All throw kInvalidArgument that quotes the text, names `what` it stands for
// and shows a right one.
#include <string>
#include <string_view>

namespace burnish::cost {

/// "10ms", "0.5s", "800us" in seconds. Positive, or zero if allowed.
double parse_seconds(std::string_view text, std::string_view what, bool zero_allowed = false);
/// "80%" or "0.8" as 0.8.
double parse_share(std::string_view text, std::string_view what);
/// "100000", "100k", "2.5M" or "1G" requests a day, or a steady rate such as "12/s".
double parse_requests_per_day(std::string_view text, std::string_view what);
/// An amount and its currency: "5000USD", "5000 USD"; the currency may be left out.
struct Money {
  double amount = 0;
  std::string currency;  ///< Up to eight letters.
};
Money parse_money(std::string_view text, std::string_view what);
/// "2.50USD/h" or "2.50/h"; not negative.
Money parse_hourly_price(std::string_view text, std::string_view what);

}  // namespace burnish::cost
