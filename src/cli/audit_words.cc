#include <fmt/format.h>

#include <cmath>

#include "cli/audit_report.h"

namespace burnish::cli {
namespace {

using cost::Advice;
using cost::Audit;
using cost::Observation;
using cost::Prediction;
using cost::ServingSettings;

/// Simulation and observation may differ so much before it is said.
constexpr double kFar = 0.15;
constexpr double kLeastShown = 1e-3;
constexpr double kUnchanged = 0.005;

std::string ms(double seconds) {
  return fmt::format("{:.3g} ms", seconds * 1e3);
}

std::string plural(int n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

std::string batching_text(const ServingSettings& s) {
  if (s.max_batch == 1) return "no batching";
  const std::string delay = s.queue_delay_s > 0 ? ms(s.queue_delay_s) + " delay" : "no delay";
  return fmt::format("dynamic batching up to {} with {}", s.max_batch, delay);
}

/// What is set otherwise than now.
std::string change_text(const ServingSettings& to, const ServingSettings& now) {
  std::string text;
  if (to.instances != now.instances)
    text = fmt::format("{} instead of {}", plural(to.instances, "instance"), now.instances);
  if (to.max_batch == now.max_batch && (to.max_batch == 1 || to.queue_delay_s == now.queue_delay_s)) return text;
  return text + (text.empty() ? "" : " and ") + batching_text(to);
}

bool is_endless(const Prediction& p) {
  return p.utilisation >= 1;
}

std::string p99_text(const Prediction& p) {
  return is_endless(p) ? "queues grow without end" : "p99 " + ms(p.simulated.p99_s);
}

std::string batches_text(const Observation& o, const ServingSettings& now) {
  std::string text = fmt::format("{:.3g} items on average{}", o.mean_batch(),
                                 now.max_batch > 1 ? fmt::format(" of at most {}", now.max_batch) : "");
  std::string_view between = "; up to ";
  for (const auto& [size, share] : o.batch_shares) {
    if (share >= kUnchanged) text += fmt::format("{}{}: {}", std::exchange(between, ", "), size, percent_text(share));
  }
  return text;
}

std::string latency_text(const Audit& a) {
  const Observation& o = a.inputs.seen;
  const double rest = std::max(0.0, o.mean_latency_s - o.mean_queue_s - o.mean_compute_s);
  return fmt::format("{} on average: {} waiting ({}), {} computing, {} other{}", ms(o.mean_latency_s),
                     ms(o.mean_queue_s), percent_text(a.queue_share), ms(o.mean_compute_s), ms(rest),
                     o.p99_s ? "; p99 " + ms(*o.p99_s) : "");
}

std::string target_text(const Audit& a) {
  const cost::AuditTarget& t = a.inputs.target;
  return percent_text(t.max_utilisation) + " utilisation at most" + (t.p99_s ? ", p99 within " + ms(*t.p99_s) : "");
}

std::string instances_text(const Audit& a) {
  if (!a.sufficient) {
    return fmt::format("{}; none is enough as it is set: a request alone takes longer than the p99 wanted",
                       a.inputs.now.instances);
  }
  return fmt::format("{} needed of {} ({}; no spares counted; {})", a.sufficient->settings.instances,
                     a.inputs.now.instances, target_text(a), p99_text(*a.sufficient));
}

/// Those that did not go as they should.
std::string trouble_text(const Observation& o) {
  const double all = o.requests + o.rejected + o.failed;
  std::string text;
  const auto add = [&](double count, std::string_view what) {
    if (count < kLeastShown * all) return;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", percent_text(count / all), what);
  };
  add(o.rejected, "rejected: the queue was full, or they waited too long");
  add(o.failed, "failed");
  return text;
}

std::string utilisation_text(const Audit& a) {
  return fmt::format("{} of {} busy{}{}", percent_text(a.busy_share), plural(a.inputs.now.instances, "instance"),
                     a.inputs.seen.busy_s ? "" : " (estimated from the requests' computing times)",
                     a.busy_share > 1 + kFar ? ": there must be more instances; say --instances" : "");
}

std::string times_text(const AuditFinding& f) {
  std::string text;
  for (const auto& [batch, s] : f.audit.inputs.times.points()) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", batch, ms(s));
  }
  return fmt::format("{} ({})", text, f.known.origins.times);
}

bool is_far(double simulated, double seen) {
  return std::abs(simulated - seen) > kFar * seen;
}

}  // namespace

std::vector<Fact> observed_facts(const AuditFinding& f) {
  const Audit& a = f.audit;
  const Observation& o = a.inputs.seen;
  std::vector<Fact> facts = {
      {"requests", fmt::format("{} in {:.3g} s: {:.4g}/s, of {:.3g} item{} each", grouped(o.requests), o.seconds,
                               o.rate_per_s(), o.items_per_request(), o.items_per_request() == 1 ? "" : "s")},
      {"utilisation", utilisation_text(a)},
      {"batches", batches_text(o, a.inputs.now)},
      {"latency", latency_text(a)},
      {"instances", instances_text(a)}};
  if (o.cache_hits > 0) facts.push_back({"cache", fmt::format("{} requests answered from it", grouped(o.cache_hits))});
  if (o.copy_share >= 0.1) {
    facts.push_back(
        {"copies", fmt::format("{} of the computing time goes into inputs and outputs: smaller data types or "
                               "shared memory help",
                               percent_text(o.copy_share))});
  }
  if (const std::string trouble = trouble_text(o); !trouble.empty()) facts.push_back({"trouble", trouble});
  facts.push_back({"batch times", times_text(f)});
  return facts;
}

Fact replay_fact(const AuditFinding& f) {
  const Audit& a = f.audit;
  const cost::SimulationResult& sim = a.replayed.simulated;
  const double batch = sim.mean_batch * a.inputs.seen.items_per_request();
  std::string text =
      fmt::format("{}, {}: {} busy, batches of {:.3g}, {}", plural(a.inputs.now.instances, "instance"),
                  batching_text(a.inputs.now), percent_text(sim.busy_share), batch, p99_text(a.replayed));
  const auto& p99 = a.inputs.seen.p99_s;
  if (is_far(sim.busy_share, a.busy_share) || is_far(batch, a.inputs.seen.mean_batch()) ||
      (p99 && is_far(sim.p99_s, *p99))) {
    text += "; far from what was seen, so take the predictions for rough ones";
  }
  return {"replayed", text};
}

std::string advice_text(const Audit& a, const Advice& advice) {
  const Prediction& to = advice.predicted;
  std::string text = change_text(to.settings, a.inputs.now) + ": ";
  if (std::abs(advice.throughput_factor - 1) > kUnchanged && advice.throughput_factor > 0) {
    text += fmt::format("{:.2g}x throughput, ", advice.throughput_factor);
  }
  if (is_endless(to)) {
    text += "queues still grow without end";
  } else if (is_endless(a.replayed)) {
    text += "p99 " + ms(to.simulated.p99_s) + " instead of queues without end";
  } else {
    text += fmt::format("p99 {:+.3g} ms (to {})", advice.p99_change_s * 1e3, ms(to.simulated.p99_s));
  }
  return text + fmt::format(", {} busy instead of {}, batches of {:.2g}", percent_text(to.simulated.busy_share),
                            percent_text(a.replayed.simulated.busy_share),
                            to.simulated.mean_batch * a.inputs.seen.items_per_request());
}

std::vector<std::string> assumption_texts(const AuditFinding& f) {
  std::vector<std::string> texts = f.known.origins.assumptions;
  if (f.audit.is_poisson) {
    texts.emplace_back(
        "metrics tell how many requests came, not when: replays take Poisson arrivals at the observed rate; a CSV of "
        "requests replays the real ones");
  } else if (f.audit.inputs.seen.arrivals_s.size() < static_cast<size_t>(f.audit.inputs.seen.requests)) {
    texts.push_back(fmt::format("replays are of the busiest hour: {} requests, {:.4g}/s",
                                grouped(static_cast<double>(f.audit.inputs.seen.arrivals_s.size())),
                                f.audit.rate_per_s));
  }
  texts.emplace_back("other hours may be busier than the time that was seen");
  return texts;
}

}  // namespace burnish::cli
