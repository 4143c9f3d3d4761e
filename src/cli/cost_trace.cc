// Where the figures of `burnish cost` come from: inputs, formulas, and the formulas with numbers in them.
#include <fmt/format.h>

#include "cli/cost_words.h"

namespace burnish::cli {
namespace {

using cost::Report;
using cost::Sizing;
using cost::Variant;
using cost::VolumePlan;

std::string ms(double seconds) {
  return fmt::format("{:.4g} ms", seconds * 1e3);
}

std::string times_text(const Variant& variant) {
  std::string text;
  for (const cost::Measurement& m : variant.measurements) {
    text += fmt::format("{}batch {}: {} ({}{})", text.empty() ? "" : "; ", m.batch, ms(m.seconds), m.origin,
                        m.lanes > 1 ? fmt::format(", {} contexts side by side", m.lanes) : "");
  }
  return text;
}

std::string profile_text(const cost::DailyProfile& profile) {
  std::string weights;
  for (const double weight : profile.weights) weights += fmt::format("{}{:.4g}", weights.empty() ? "" : ", ", weight);
  return fmt::format("{}; the busiest hour has {:.3g} times the average hour's requests; weights from midnight on: {}",
                     profile.name, profile.peak_to_mean(), weights);
}

std::string redundancy_text(const cost::Redundancy& r) {
  if (!r.availability) return fmt::format("{} instances, whatever the load", r.spares);
  return fmt::format(
      "as many as {:.6g} % availability asks for, of instances that are up {:.6g} % of the time, independently",
      *r.availability * 100, r.instance_availability * 100);
}

void add_variant_facts(const Report& r, const Variant& variant, std::vector<Fact>& facts) {
  facts.push_back({fmt::format("{}: times of a batch", variant.name), times_text(variant)});
  facts.push_back({fmt::format("{}: price", variant.name), price_text(r, variant.price)});
}

std::string peak_sum(const Report& r, const Sizing& s) {
  return fmt::format("{} / 86,400 s × {:.4g} × {:.4g} = {:.4g} requests/s", grouped(s.requests_per_day),
                     r.scenario.traffic.profile.peak_to_mean(), r.scenario.traffic.peak_factor, s.peak.rate_per_s);
}

std::string instances_sum(const Report& r, const Variant& variant, const Sizing& s) {
  const cost::SimulationResult& sim = s.peak.simulated;
  const double best = s.peak.rate_per_s / s.peak.utilisation / s.peak.instances;
  return fmt::format(
      "{} is the least number: one does {:.4g} requests/s at best with batches up to {}{}, so the peak fills them to "
      "{} "
      "(limit {}); simulated, p50 {}, p90 {}, p99 {} (target {}), mean batch {:.2f}",
      s.peak.instances, best, s.peak.max_batch,
      variant.measurements.front().lanes > 1 ? fmt::format(" in {} contexts", variant.measurements.front().lanes) : "",
      percent_text(s.peak.utilisation), percent_text(r.scenario.level.max_utilisation), ms(sim.p50_s), ms(sim.p90_s),
      ms(sim.p99_s), ms(r.scenario.level.p99_s), sim.mean_batch);
}

std::string theory_sum(const Sizing& s) {
  return fmt::format("mean wait {} simulated, {} by theory (M/D/c)", ms(s.peak.simulated.mean_wait_s),
                     ms(*s.theory_wait_s));
}

}  // namespace

std::string price_text(const Report& r, const cost::MachinePrice& price) {
  std::string text = fmt::format("{:.6g} {} per instance and hour", price.per_hour, r.scenario.currency);
  if (price.machine.empty()) return text + " (typed in)";
  return text + fmt::format(": {}, {}; source: {}; of {}{}", price.machine, price.terms, price.source, price.date,
                            price.verified ? "" : "; NOT VERIFIED, check it before you rely on it");
}

std::vector<Fact> input_facts(const Report& r) {
  const cost::Scenario& s = r.scenario;
  std::vector<Fact> facts;
  for (const Variant& variant : s.variants) add_variant_facts(r, variant, facts);
  facts.push_back({"baseline", r.baseline().name});
  facts.push_back({"the day's shape", profile_text(s.traffic.profile)});
  facts.push_back(
      {"peak factor", fmt::format("{:.4g}: the busiest minutes' rate over their hour's", s.traffic.peak_factor)});
  facts.push_back({"growth", fmt::format("{:.4g} % a month", s.traffic.growth_per_month * 100)});
  facts.push_back({"p99 target", ms(s.level.p99_s)});
  facts.push_back({"utilisation limit", percent_text(s.level.max_utilisation)});
  facts.push_back({"queue delay", ms(s.level.queue_delay_s)});
  facts.push_back(
      {"largest batch", s.level.max_batch > 0 ? std::to_string(s.level.max_batch) : "the largest measured"});
  facts.push_back({"spare instances", redundancy_text(s.redundancy)});
  facts.push_back({"one-off cost", money_text(r, s.one_off_cost)});
  facts.push_back({"horizon", fmt::format("{} months", s.horizon_months)});
  facts.push_back(
      {"simulation", fmt::format("{} Poisson arrivals, seed {}", grouped(cost::kSimulatedRequests), s.seed)});
  return facts;
}

std::vector<Fact> formulas() {
  return {
      {"peak rate", "requests a day / 86,400 s × busiest hour / average hour × peak factor"},
      {"utilisation at the peak",
       "peak rate / (instances × contexts × the largest b / time(b) over batch sizes b up to the server's largest)"},
      {"instances needed",
       "the least number whose utilisation stays within the limit and whose simulated p99 stays within the target. The "
       "simulation: Poisson arrivals, one queue for all instances, first come first served; a free instance takes a "
       "batch when "
       "the largest batch waits or the oldest request has waited for the queue delay; times between measured batch "
       "sizes are "
       "interpolated"},
      {"mean utilisation", "requests a day / 86,400 s / what all instances, spares included, do at best"},
      {"pure compute", "requests a day × time(1): the sum that forgets peaks, targets and idle hours"},
      {"monthly cost", "(instances needed + spares) × price per hour × 730 h: instances run day and night"},
      {"cost per million", "monthly cost / (requests a day × 365 / 12 / 1,000,000)"},
      {"marginal cost per million", "cost of the next instance / the requests it adds in a month, in millions"},
      {"savings", "the baseline's monthly cost - the variant's"},
      {"pay-back time", "months until the savings, with growth, add up to the one-off cost"},
      {"break-even volume",
       "the volume from which on savings × horizon reach the one-off cost at every volume examined"},
  };
}

std::vector<Fact> worked_out(const Report& r, size_t index, const VolumePlan& plan) {
  const Variant& variant = r.scenario.variants[index];
  const Sizing& s = plan.sizings[index];
  const double month = s.requests_per_day * cost::kDaysPerMonth / 1e6;
  std::vector<Fact> facts = {
      {"pure compute",
       fmt::format("{} × {} = {:.3g} machine-hours a day", grouped(s.requests_per_day),
                   ms(s.compute_hours_per_day * cost::kSecondsPerHour / s.requests_per_day), s.compute_hours_per_day)},
      {"peak rate", peak_sum(r, s)},
      {"instances needed", instances_sum(r, variant, s)},
  };
  if (s.theory_wait_s) facts.push_back({"check", theory_sum(s)});
  facts.push_back({"monthly cost", fmt::format("({}) × {:.6g} × 730 h = {}", instances_text(s), variant.price.per_hour,
                                               money_text(r, s.monthly_cost))});
  facts.push_back({"cost per million", fmt::format("{} / {:.4g} million = {}", money_text(r, s.monthly_cost), month,
                                                   money_text(r, s.cost_per_million))});
  return facts;
}

}  // namespace burnish::cli
