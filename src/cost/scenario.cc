#include "cost/scenario.h"

#include <cmath>
#include <set>

#include "base/error.h"

namespace burnish::cost {
namespace {

constexpr int kMostMonths = 120;
constexpr int kMostSpares = 1000;

void check_variants(const Scenario& s) {
  check(!s.variants.empty(), ErrorCode::kInvalidArgument,
        "nothing to plan for: give --variant NAME=FILE.json or --variant NAME=1:10ms,8:55ms");
  check(s.baseline < s.variants.size(), ErrorCode::kInvalidArgument, "the baseline is none of the variants");
  std::set<std::string> names;
  for (const Variant& variant : s.variants) {
    check(names.insert(variant.name).second, ErrorCode::kInvalidArgument,
          "the variant '{}' is given twice; name each once", variant.name);
    check(std::isfinite(variant.price.per_hour) && variant.price.per_hour >= 0, ErrorCode::kInvalidArgument,
          "the price of variant '{}' is {} per hour: it cannot be negative", variant.name, variant.price.per_hour);
  }
}

}  // namespace

void check_scenario(const Scenario& s) {
  check_variants(s);
  check_traffic(s.traffic);
  check(std::isfinite(s.one_off_cost) && s.one_off_cost >= 0, ErrorCode::kInvalidArgument,
        "the one-off cost is {}: it cannot be negative", s.one_off_cost);
  check(s.horizon_months >= 1 && s.horizon_months <= kMostMonths, ErrorCode::kInvalidArgument,
        "--months {}: 1 to {} are possible", s.horizon_months, kMostMonths);
  check(s.redundancy.spares >= 0 && s.redundancy.spares <= kMostSpares, ErrorCode::kInvalidArgument,
        "--spare {}: 0 to {} instances are possible", s.redundancy.spares, kMostSpares);
}

}  // namespace burnish::cost
