// burnish cost as JSON and CSV. Keys carry units; amounts are in `currency`.
#include <fmt/format.h>

#include "cli/cost_report.h"
#include "cli/cost_words.h"

namespace burnish::cli {
namespace {

using cost::Report;
using cost::Sizing;
using cost::VolumePlan;

template <typename T>
Json nullable(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json facts_json(const std::vector<Fact>& facts) {
  Json json = Json::object();
  for (const Fact& fact : facts) json[fact.name] = fact.value;
  return json;
}

Json variant_inputs(const cost::Variant& variant) {
  Json times = Json::array();
  for (const cost::Measurement& m : variant.measurements) {
    times.push_back({{"batch", m.batch}, {"ms", m.seconds * 1e3}, {"contexts", m.lanes}, {"origin", m.origin}});
  }
  const cost::MachinePrice& p = variant.price;
  return {{"name", variant.name},
          {"times", times},
          {"price",
           {{"per_hour", p.per_hour},
            {"machine", p.machine},
            {"terms", p.terms},
            {"source", p.source},
            {"date", p.date},
            {"verified", p.machine.empty() ? Json() : Json(p.verified)}}}};
}

Json inputs_json(const cost::Scenario& s) {
  Json variants = Json::array();
  for (const cost::Variant& variant : s.variants) variants.push_back(variant_inputs(variant));
  return {{"variants", variants},
          {"baseline", s.variants[s.baseline].name},
          {"profile", {{"name", s.traffic.profile.name}, {"weights", s.traffic.profile.weights}}},
          {"peak_factor", s.traffic.peak_factor},
          {"growth_per_month", s.traffic.growth_per_month},
          {"p99_ms", s.level.p99_s * 1e3},
          {"max_utilisation", s.level.max_utilisation},
          {"queue_delay_ms", s.level.queue_delay_s * 1e3},
          {"max_batch", s.level.max_batch > 0 ? Json(s.level.max_batch) : Json()},
          {"spares", s.redundancy.availability ? Json() : Json(s.redundancy.spares)},
          {"availability", nullable(s.redundancy.availability)},
          {"instance_availability", s.redundancy.instance_availability},
          {"one_off_cost", s.one_off_cost},
          {"horizon_months", s.horizon_months},
          {"simulated_requests", cost::kSimulatedRequests},
          {"seed", s.seed}};
}

Json sizing_json(const Report& r, size_t i, const VolumePlan& plan) {
  const Sizing& s = plan.sizings[i];
  const cost::SimulationResult& sim = s.peak.simulated;
  const cost::Comparison& c = plan.comparisons[i];
  return {{"name", r.scenario.variants[i].name},
          {"compute_hours_per_day", s.compute_hours_per_day},
          {"peak_requests_per_s", s.peak.rate_per_s},
          {"instances", s.instances()},
          {"needed", s.peak.instances},
          {"spares", s.spares},
          {"max_batch", s.peak.max_batch},
          {"utilisation_at_peak", s.peak.utilisation},
          {"mean_utilisation", s.mean_utilisation},
          {"simulated",
           {{"p50_ms", sim.p50_s * 1e3},
            {"p90_ms", sim.p90_s * 1e3},
            {"p99_ms", sim.p99_s * 1e3},
            {"mean_wait_ms", sim.mean_wait_s * 1e3},
            {"theory_mean_wait_ms", s.theory_wait_s ? Json(*s.theory_wait_s * 1e3) : Json()},
            {"mean_batch", sim.mean_batch},
            {"busy_share", sim.busy_share},
            {"requests_per_s", sim.items_per_s}}},
          {"monthly_cost", s.monthly_cost},
          {"cost_per_million", s.cost_per_million},
          {"marginal_cost_per_million", s.marginal_per_million},
          {"saving_per_month", c.saving_per_month},
          {"saving_share", c.saving_share},
          {"payback_months", nullable(c.payback_months)},
          {"formulas", facts_json(worked_out(r, i, plan))}};
}

Json volumes_json(const Report& r) {
  Json volumes = Json::array();
  for (const VolumePlan& plan : r.volumes) {
    Json variants = Json::array();
    for (size_t i = 0; i < plan.sizings.size(); ++i) variants.push_back(sizing_json(r, i, plan));
    volumes.push_back({{"requests_per_day", plan.requests_per_day}, {"variants", variants}});
  }
  return volumes;
}

Json staircases_json(const Report& r) {
  Json stairs = Json::array();
  for (size_t i = 0; i < r.staircases.size(); ++i) {
    Json steps = Json::array();
    for (const cost::Step& step : r.staircases[i]) {
      steps.push_back({{"up_to_requests_per_day", step.up_to_requests_per_day},
                       {"instances", step.instances},
                       {"monthly_cost", step.monthly_cost}});
    }
    const cost::BreakEven& b = r.break_evens[i];
    stairs.push_back({{"name", r.scenario.variants[i].name},
                      {"break_even",
                       {{"first_requests_per_day", nullable(b.first)},
                        {"always_from_requests_per_day", nullable(b.always_from)},
                        {"examined_up_to_requests_per_day", b.examined_up_to}}},
                      {"steps", steps}});
  }
  return stairs;
}

Json costs_json(const std::vector<std::optional<double>>& costs) {
  Json json = Json::array();
  for (const auto& amount : costs) json.push_back(nullable(amount));
  return json;
}

Json sensitivity_json(const Report& r) {
  Json rows = Json::array();
  for (const cost::Sensitivity& s : r.sensitivity) {
    rows.push_back({{"assumption", s.assumption},
                    {"low", s.low_label},
                    {"high", s.high_label},
                    {"monthly_costs_low", costs_json(s.low)},
                    {"monthly_costs_high", costs_json(s.high)}});
  }
  return rows;
}

Json growth_json(const Report& r) {
  Json months = Json::array();
  for (const cost::GrowthMonth& at : r.growth) {
    months.push_back(
        {{"month", at.month}, {"requests_per_day", at.requests_per_day}, {"monthly_costs", at.monthly_costs}});
  }
  return months;
}

/// Spreadsheets take a cell that begins with = + - @ for a formula.
std::string csv_text(const std::string& text) {
  std::string cell = !text.empty() && std::string("=+-@").find(text.front()) != std::string::npos ? "'" : "";
  for (const char c : text) cell += c == '"' ? "\"\"" : std::string(1, c);
  return "\"" + cell + "\"";
}

/// Empty for a price that was typed in.
std::string_view verified_text(const cost::MachinePrice& price) {
  if (price.machine.empty()) return "";
  return price.verified ? "yes" : "no";
}

}  // namespace

Json cost_json(const Report& r) {
  return {{"currency", r.scenario.currency}, {"inputs", inputs_json(r.scenario)}, {"formulas", facts_json(formulas())},
          {"volumes", volumes_json(r)},      {"staircases", staircases_json(r)},  {"sensitivity", sensitivity_json(r)},
          {"growth", growth_json(r)}};
}

std::string cost_csv(const Report& r) {
  std::string csv =
      "variant,currency,requests_per_day,compute_hours_per_day,needed,spares,instances,max_batch,mean_batch,"
      "utilisation_at_peak,"
      "mean_utilisation,p50_ms,p90_ms,p99_ms,monthly_cost,cost_per_million,marginal_cost_per_million,"
      "saving_per_month,payback_months,price_verified\n";
  for (const VolumePlan& plan : r.volumes) {
    for (size_t i = 0; i < plan.sizings.size(); ++i) {
      const Sizing& s = plan.sizings[i];
      const cost::SimulationResult& sim = s.peak.simulated;
      const cost::Comparison& c = plan.comparisons[i];
      const double figures[] = {plan.requests_per_day,
                                s.compute_hours_per_day,
                                static_cast<double>(s.peak.instances),
                                static_cast<double>(s.spares),
                                static_cast<double>(s.instances()),
                                static_cast<double>(s.peak.max_batch),
                                sim.mean_batch,
                                s.peak.utilisation,
                                s.mean_utilisation,
                                sim.p50_s * 1e3,
                                sim.p90_s * 1e3,
                                sim.p99_s * 1e3,
                                s.monthly_cost,
                                s.cost_per_million,
                                s.marginal_per_million,
                                c.saving_per_month};
      csv += fmt::format("{},{},{:.9g},{},{}\n", csv_text(r.scenario.variants[i].name), csv_text(r.scenario.currency),
                         fmt::join(figures, ","), c.payback_months ? fmt::format("{:.9g}", *c.payback_months) : "",
                         verified_text(r.scenario.variants[i].price));
    }
  }
  return csv;
}

}  // namespace burnish::cli
