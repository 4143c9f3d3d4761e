#include "cli/step_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/command.h"
#include "cli/json.h"

namespace burnish::cli {
namespace {

double total_us(const std::vector<StepTiming>& steps) {
  double us = 0;
  for (const StepTiming& step : steps) us += step.median_us;
  return us;
}

/// 10⁹ operations in µs: GFLOP/s.
double gflops_per_s(const StepTiming& step) {
  return step.median_us > 0 ? step.gflops / (step.median_us * 1e-6) : 0;
}
/// 10⁶ bytes in µs: GB/s.
double gb_per_s(const StepTiming& step) {
  return step.median_us > 0 ? step.megabytes * 1e-3 / (step.median_us * 1e-6) : 0;
}

void print_row(const StepTiming& step, double all_us, size_t count) {
  const std::string times = count > 1 ? fmt::format(" × {}", count) : "";
  fmt::print("{:>10.1f} {:>8.1f} {:>8.1f} {:>6.1f}%  {:<16} {:<28} {}\n", step.median_us, gflops_per_s(step),
             gb_per_s(step), all_us > 0 ? 100 * step.median_us / all_us : 0, shorten(step.op, 16),
             shorten(step.tactic, 28), printable(shorten(step.name, 60)) + times);
}

void print_header() {
  fmt::print("{:>10} {:>8} {:>8} {:>7}  {:<16} {:<28} {}\n", "µs", "GFLOP/s", "GB/s", "share", "op", "tactic", "name");
}

}  // namespace

Json steps_to_json(const std::vector<StepTiming>& steps) {
  const double all_us = total_us(steps);
  Json json = Json::array();
  for (const StepTiming& step : steps) {
    json.push_back({{"name", step.name},
                    {"op", step.op},
                    {"tactic", step.tactic},
                    {"median_us", step.median_us},
                    {"gflop_per_s", gflops_per_s(step)},
                    {"gb_per_s", gb_per_s(step)},
                    {"share", all_us > 0 ? step.median_us / all_us : 0}});
  }
  return json;
}

void print_steps(const std::vector<StepTiming>& steps) {
  const double all_us = total_us(steps);
  fmt::print("\n");
  print_header();
  std::map<std::pair<std::string, std::string>, std::pair<StepTiming, size_t>> sums;
  for (const StepTiming& step : steps) {
    print_row(step, all_us, 1);
    auto& [sum, count] = sums[{step.op, step.tactic}];
    sum.median_us += step.median_us;
    sum.gflops += step.gflops;
    sum.megabytes += step.megabytes;
    ++count;
  }
  std::vector<std::pair<StepTiming, size_t>> rows;
  for (const auto& [key, sum] : sums) {
    rows.push_back(sum);
    rows.back().first.op = key.first;
    rows.back().first.tactic = key.second;
  }
  std::sort(rows.begin(), rows.end(),
            [](const auto& a, const auto& b) { return a.first.median_us > b.first.median_us; });
  fmt::print("\nby operator and tactic, {:.1f} µs in all\n", all_us);
  print_header();
  for (const auto& [sum, count] : rows) print_row(sum, all_us, count);
}

std::string shorten(const std::string& text, size_t width) {
  if (text.size() <= width) return text;
  const size_t tail = width / 2;
  return text.substr(0, width - tail - 2) + ".." + text.substr(text.size() - tail);
}

}  // namespace burnish::cli
