#pragma once
// The words and figures that the table, the page and the pictures of `burnish cost` share.
#include <optional>
#include <string>
#include <vector>

#include "cost/report.h"

namespace burnish::cli {

/// "1,234,567": rounded, thousands set apart.
std::string grouped(double value);
/// "1,480,000": three digits that count, as break-even volumes come from a search to 0.2 %.
std::string about(double value);
/// "1,234 USD"; with two decimals below 100.
std::string money_text(const cost::Report& report, double amount);
/// "34 %" or "3.4 %".
std::string percent_text(double share);
/// "2 + 1": needed and spare.
std::string instances_text(const cost::Sizing& sizing);
std::string payback_text(const cost::Report& report, size_t variant, const cost::VolumePlan& plan);
/// From which volume on a variant pays, as a sentence.
std::string break_even_text(const cost::Report& report, size_t variant);
/// One sentence for those who decide, about a variant at a volume.
std::string verdict_text(const cost::Report& report, size_t variant, const cost::VolumePlan& plan);
/// Of a sensitivity: "1,460 … 2,920 USD".
std::string range_text(const cost::Report& report, const std::optional<double>& low, const std::optional<double>& high);

/// A price with its source and date, and whether that was checked.
std::string price_text(const cost::Report& report, const cost::MachinePrice& price);

/// An input and its value with unit.
struct Fact {
  std::string name, value;
};
std::vector<Fact> input_facts(const cost::Report& report);

/// How the figures come about, in words and symbols.
std::vector<Fact> formulas();
/// The formulas with the numbers of one variant at one volume.
std::vector<Fact> worked_out(const cost::Report& report, size_t variant, const cost::VolumePlan& plan);

}  // namespace burnish::cli
