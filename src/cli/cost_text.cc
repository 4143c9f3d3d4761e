// burnish cost as tables for a terminal.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/cost_report.h"
#include "cli/cost_words.h"

namespace burnish::cli {
namespace {

using cost::Report;
using cost::Sizing;
using cost::VolumePlan;

/// Columns as wide as their longest cell; the first is set left, the others right.
void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], fmt::formatted_size("{}", row[i]));
  }
  for (const auto& row : rows) {
    fmt::print("  {:<{}}", row[0], widths[0]);
    for (size_t i = 1; i < row.size(); ++i) fmt::print("  {:>{}}", row[i], widths[i]);
    fmt::print("\n");
  }
}

std::string name_of(const Report& r, size_t variant) {
  return printable(r.scenario.variants[variant].name);
}

void print_volume(const Report& r, const VolumePlan& plan) {
  fmt::print("{} requests a day\n", grouped(plan.requests_per_day));
  std::vector<std::vector<std::string>> rows = {{"", "machine-h/day", "instances", "batch", "peak use", "mean use",
                                                 "p99 ms", "a month", "per million", "next million", "saves",
                                                 "pays back"}};
  for (size_t i = 0; i < plan.sizings.size(); ++i) {
    const Sizing& s = plan.sizings[i];
    rows.push_back({name_of(r, i), fmt::format("{:.3g}", s.compute_hours_per_day), instances_text(s),
                    fmt::format("{:.1f}", s.peak.simulated.mean_batch), percent_text(s.peak.utilisation),
                    percent_text(s.mean_utilisation), fmt::format("{:.1f}", s.peak.simulated.p99_s * 1e3),
                    money_text(r, s.monthly_cost), money_text(r, s.cost_per_million),
                    money_text(r, s.marginal_per_million),
                    i == r.scenario.baseline ? "" : money_text(r, plan.comparisons[i].saving_per_month),
                    payback_text(r, i, plan)});
  }
  print_table(rows);
  fmt::print("\n");
}

void print_prices(const Report& r) {
  for (const cost::Variant& variant : r.scenario.variants) {
    fmt::print("price of {}\n", printable(fmt::format("{}: {}", variant.name, price_text(r, variant.price))));
  }
  fmt::print("\n");
}

void print_break_evens(const Report& r) {
  for (size_t i = 0; i < r.scenario.variants.size(); ++i) {
    if (i != r.scenario.baseline) fmt::print("{}.\n", printable(break_even_text(r, i)));
  }
  fmt::print("\n");
}

void print_sensitivity(const Report& r) {
  fmt::print("Sensitivity of the monthly cost at {} requests a day\n", grouped(r.volumes.back().requests_per_day));
  std::vector<std::vector<std::string>> rows = {{"", "change"}};
  for (size_t i = 0; i < r.scenario.variants.size(); ++i) rows[0].push_back(name_of(r, i));
  for (const cost::Sensitivity& s : r.sensitivity) {
    rows.push_back({printable(s.assumption), s.low_label + " … " + s.high_label});
    for (size_t i = 0; i < s.low.size(); ++i) rows.back().push_back(range_text(r, s.low[i], s.high[i]));
  }
  print_table(rows);
}

void print_growth(const Report& r) {
  constexpr int kEvery = 6;
  if (r.growth.empty()) return;
  fmt::print("\nGrowth of {:.4g} % a month\n", r.scenario.traffic.growth_per_month * 100);
  std::vector<std::vector<std::string>> rows = {{"month", "requests a day"}};
  for (size_t i = 0; i < r.scenario.variants.size(); ++i) rows[0].push_back(name_of(r, i));
  for (const cost::GrowthMonth& at : r.growth) {
    if (at.month % kEvery != 0) continue;
    rows.push_back({std::to_string(at.month), grouped(at.requests_per_day)});
    for (const double amount : at.monthly_costs) rows.back().push_back(money_text(r, amount));
  }
  print_table(rows);
}

}  // namespace

void print_cost(const Report& r) {
  for (const VolumePlan& plan : r.volumes) print_volume(r, plan);
  print_prices(r);
  print_break_evens(r);
  print_sensitivity(r);
  print_growth(r);
  fmt::print(
      "\nmachine-h/day: requests × time of one, no more; instances: needed + spare; p99 and batch: simulated at the "
      "peak of {:.3g} times the mean\n",
      r.scenario.traffic.profile.peak_to_mean() * r.scenario.traffic.peak_factor);
}

}  // namespace burnish::cli
