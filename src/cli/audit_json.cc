// burnish audit as JSON. Keys carry units.
#include "cli/audit_report.h"

namespace burnish::cli {
namespace {

using cost::Audit;
using cost::Observation;
using cost::Prediction;

Json settings_json(const cost::ServingSettings& s) {
  return {{"instances", s.instances}, {"max_batch", s.max_batch}, {"queue_delay_ms", s.queue_delay_s * 1e3}};
}

Json prediction_json(const Prediction& p, double items_per_request) {
  return {{"settings", settings_json(p.settings)},         {"utilisation", p.utilisation},
          {"busy_share", p.simulated.busy_share},          {"mean_batch", p.simulated.mean_batch * items_per_request},
          {"requests_per_s", p.simulated.items_per_s},     {"mean_latency_ms", p.simulated.mean_latency_s * 1e3},
          {"mean_wait_ms", p.simulated.mean_wait_s * 1e3}, {"p99_ms", p.simulated.p99_s * 1e3}};
}

Json observed_json(const Audit& a) {
  const Observation& o = a.inputs.seen;
  Json batches = Json::object();
  for (const auto& [size, share] : o.batch_shares) batches[std::to_string(size)] = share;
  return {{"seconds", o.seconds},
          {"requests", o.requests},
          {"executions", o.executions},
          {"items", o.items},
          {"requests_per_s", o.rate_per_s()},
          {"rejected", o.rejected},
          {"failed", o.failed},
          {"cache_hits", o.cache_hits},
          {"busy_share", a.busy_share},
          {"busy_share_is_estimated", !o.busy_s.has_value()},
          {"mean_batch", o.mean_batch()},
          {"batch_shares_up_to", batches},
          {"mean_latency_ms", o.mean_latency_s * 1e3},
          {"mean_queue_ms", o.mean_queue_s * 1e3},
          {"mean_compute_ms", o.mean_compute_s * 1e3},
          {"queue_share", a.queue_share},
          {"copy_share", o.copy_share},
          {"p99_ms", o.p99_s ? Json(*o.p99_s * 1e3) : Json()}};
}

constexpr std::string_view kBenefits[] = {"holds_target", "fewer_instances", "throughput", "latency", "less_work"};

Json advice_json(const Audit& a) {
  Json list = Json::array();
  for (const cost::Advice& advice : a.advice) {
    list.push_back({{"text", advice_text(a, advice)},
                    {"benefit", kBenefits[static_cast<size_t>(advice.benefit)]},
                    {"throughput_factor", advice.throughput_factor},
                    {"p99_change_ms", advice.p99_change_s * 1e3},
                    {"predicted", prediction_json(advice.predicted, a.inputs.seen.items_per_request())}});
  }
  return list;
}

Json times_json(const AuditFinding& f) {
  Json times = Json::array();
  for (const auto& [batch, s] : f.audit.inputs.times.points()) times.push_back({{"batch", batch}, {"ms", s * 1e3}});
  return {{"origin", f.known.origins.times}, {"times", times}};
}

}  // namespace

Json audit_json(const AuditFinding& f) {
  const Audit& a = f.audit;
  const double items = a.inputs.seen.items_per_request();
  return {{"name", a.inputs.seen.name},
          {"observed", observed_json(a)},
          {"set", settings_json(a.inputs.now)},
          {"set_by", f.known.origins.settings},
          {"batch_times", times_json(f)},
          {"target",
           {{"p99_ms", a.inputs.target.p99_s ? Json(*a.inputs.target.p99_s * 1e3) : Json()},
            {"max_utilisation", a.inputs.target.max_utilisation}}},
          {"arrivals", a.is_poisson ? "poisson" : "observed"},
          {"replayed_requests_per_s", a.rate_per_s},
          {"replayed", prediction_json(a.replayed, items)},
          {"instances_needed", a.sufficient ? Json(a.sufficient->settings.instances) : Json()},
          {"sufficient", a.sufficient ? prediction_json(*a.sufficient, items) : Json()},
          {"advice", advice_json(a)},
          {"assumptions", assumption_texts(f)}};
}

}  // namespace burnish::cli
