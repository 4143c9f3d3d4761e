#include <fmt/format.h>

#include "cli/cost_pictures.h"
#include "cli/cost_report.h"
#include "cli/cost_style.h"
#include "cli/cost_words.h"
#include "cli/html.h"

namespace burnish::cli {
namespace {

using cost::Report;
using cost::Sizing;
using cost::VolumePlan;

constexpr double kWide = 880, kWideHeight = 380, kNarrow = 350, kNarrowHeight = 300;

std::string cells(std::string_view tag, const std::vector<std::string>& texts) {
  std::string html;
  for (const std::string& text : texts) html += fmt::format("<{0}>{1}</{0}>", tag, escaped(text));
  return html;
}

std::string table(const std::string& head, const std::string& rows) {
  return fmt::format("<div class=\"scroll\"><table><thead><tr>{}</tr></thead><tbody>\n{}</tbody></table></div>\n", head,
                     rows);
}

/// The variant that costs least at the largest volume, other than the baseline.
size_t best_variant(const Report& r) {
  size_t best = r.scenario.baseline;
  for (size_t i = 0; i < r.scenario.variants.size(); ++i) {
    const bool is_first = best == r.scenario.baseline && i != best;
    if (i == r.scenario.baseline) continue;
    const auto& sizings = r.volumes.back().sizings;
    if (is_first || sizings[i].monthly_cost < sizings[best].monthly_cost) best = i;
  }
  return best;
}

std::string verdict(const Report& r) {
  const size_t best = best_variant(r);
  std::string html = fmt::format("<p class=\"verdict\">{}</p>\n", escaped(verdict_text(r, best, r.volumes.back())));
  html += "<ul>\n";
  for (size_t i = 0; i < r.scenario.variants.size(); ++i) {
    if (i != r.scenario.baseline) html += fmt::format("<li>{}.</li>\n", escaped(break_even_text(r, i)));
  }
  const Sizing& now = r.volumes.back().sizings[r.scenario.baseline];
  html += fmt::format("<li>Over the day, the instances of {} compute {} of the time that is paid for.</li>\n",
                      escaped(r.baseline().name), percent_text(now.mean_utilisation));
  for (const cost::Variant& variant : r.scenario.variants) {
    if (variant.price.verified) continue;
    html += fmt::format("<li class=\"lost\">The price of {} is not verified: {}.</li>\n", escaped(variant.name),
                        escaped(price_text(r, variant.price)));
  }
  return html + "</ul>\n";
}

std::vector<std::string> cost_cells(const Report& r, size_t i, const VolumePlan& plan) {
  const Sizing& s = plan.sizings[i];
  const std::string saving = i == r.scenario.baseline ? "" : money_text(r, plan.comparisons[i].saving_per_month);
  return {std::to_string(s.instances()),
          money_text(r, s.monthly_cost),
          money_text(r, s.cost_per_million),
          money_text(r, s.marginal_per_million),
          saving,
          payback_text(r, i, plan)};
}

std::vector<std::string> load_cells(const Report&, size_t i, const VolumePlan& plan) {
  const Sizing& s = plan.sizings[i];
  return {fmt::format("{:.3g}", s.compute_hours_per_day),
          instances_text(s),
          percent_text(s.peak.utilisation),
          percent_text(s.mean_utilisation),
          fmt::format("{:.1f}", s.peak.simulated.p99_s * 1e3),
          fmt::format("{:.1f}", s.peak.simulated.mean_batch)};
}

using Cells = std::vector<std::string>(const Report&, size_t, const VolumePlan&);

std::string volume_table(const Report& r, const VolumePlan& plan, const std::vector<std::string>& heads,
                         Cells* cells_of) {
  std::string rows;
  for (size_t i = 0; i < plan.sizings.size(); ++i) {
    rows += fmt::format("<tr><th>{}</th>{}</tr>\n", escaped(r.scenario.variants[i].name),
                        cells("td", cells_of(r, i, plan)));
  }
  return table(cells("th", heads), rows);
}

std::string volumes(const Report& r) {
  std::string html = "<h2>Instances and costs</h2>\n";
  for (const VolumePlan& plan : r.volumes) {
    html += fmt::format("<h3>{} requests a day</h3>\n", grouped(plan.requests_per_day));
    html += volume_table(
        r, plan, {"", "instances", "a month", "per million", "next million", "saves a month", "pays back"}, cost_cells);
    html += volume_table(
        r, plan, {"", "pure compute, h/day", "needed + spare", "use at peak", "mean use", "p99, ms", "mean batch"},
        load_cells);
  }
  return html;
}

std::string legend(const Report& r) {
  std::string html = "<div class=\"legend\">";
  for (size_t i = 0; i < r.scenario.variants.size(); ++i) {
    html += fmt::format("<span class=\"v{}\">{}</span>", i % kNumLineStyles, escaped(r.scenario.variants[i].name));
  }
  return html + "</div>\n";
}

std::string pictures(const Report& r) {
  return "<h2>The staircase</h2>\n<p class=\"soft\">Every further instance is a step. A dot marks the volume from "
         "which on a "
         "variant pays; dotted lines are the volumes asked for.</p>\n" +
         legend(r) + "<div class=\"picture\">" + staircase_picture(r, kWide, kWideHeight) +
         staircase_picture(r, kNarrow, kNarrowHeight) +
         "</div>\n<h2>Cost per million requests</h2>\n<p class=\"soft\">It falls with the volume, until the instances "
         "are "
         "full.</p>\n" +
         legend(r) + "<div class=\"picture\">" + per_million_picture(r, kWide, kWideHeight) +
         per_million_picture(r, kNarrow, kNarrowHeight) + "</div>\n";
}

std::string variant_heads(const Report& r) {
  std::string heads;
  for (const cost::Variant& variant : r.scenario.variants) heads += fmt::format("<th>{}</th>", escaped(variant.name));
  return heads;
}

std::string sensitivity(const Report& r) {
  std::string rows;
  for (const cost::Sensitivity& s : r.sensitivity) {
    rows += fmt::format("<tr><td class=\"name\">{}</td>", escaped(s.assumption));
    std::vector<std::string> texts = {s.low_label + " … " + s.high_label};
    for (size_t i = 0; i < s.low.size(); ++i) texts.push_back(range_text(r, s.low[i], s.high[i]));
    rows += cells("td", texts) + "</tr>\n";
  }
  return fmt::format(
             "<h2>What if an assumption is wrong</h2>\n<p class=\"soft\">Monthly cost at {} requests a day.</p>\n",
             grouped(r.volumes.back().requests_per_day)) +
         table("<th>assumption</th><th>change</th>" + variant_heads(r), rows);
}

std::string growth(const Report& r) {
  constexpr int kEvery = 3;
  if (r.growth.empty()) return "";
  std::string rows;
  for (const cost::GrowthMonth& at : r.growth) {
    if (at.month % kEvery != 0) continue;
    std::vector<std::string> texts = {std::to_string(at.month), grouped(at.requests_per_day)};
    for (const double amount : at.monthly_costs) texts.push_back(money_text(r, amount));
    rows += "<tr>" + cells("td", texts) + "</tr>\n";
  }
  return fmt::format("<h2>Growth of {:.4g} % a month</h2>\n", r.scenario.traffic.growth_per_month * 100) +
         table("<th>month</th><th>requests a day</th>" + variant_heads(r), rows);
}

std::string fact_list(const std::vector<Fact>& facts) {
  std::string html = "<dl>\n";
  for (const Fact& fact : facts) {
    html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(fact.name), escaped(fact.value));
  }
  return html + "</dl>\n";
}

std::string trace(const Report& r) {
  std::string html = "<h2>Where the figures come from</h2>\n<details open><summary>Inputs</summary>" +
                     fact_list(input_facts(r)) + "</details>\n<details><summary>Formulas</summary>" +
                     fact_list(formulas()) + "</details>\n";
  for (const VolumePlan& plan : r.volumes) {
    for (size_t i = 0; i < plan.sizings.size(); ++i) {
      html += fmt::format("<details><summary>{} at {} requests a day, worked out</summary>{}</details>\n",
                          escaped(r.scenario.variants[i].name), grouped(plan.requests_per_day),
                          fact_list(worked_out(r, i, plan)));
    }
  }
  return html;
}

}  // namespace

std::string cost_page(const Report& r) {
  const std::string style = fmt::format("{}{}", cost_line_style(), kCostPageStyle);
  return page_head("What serving costs", style) + "<h1>What serving costs</h1>\n" + verdict(r) + volumes(r) +
         pictures(r) + sensitivity(r) + growth(r) + trace(r) + std::string(kPageEnd);
}

}  // namespace burnish::cli
