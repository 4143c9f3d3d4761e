#include "cost/audit.h"

#include <algorithm>

#include "base/error.h"
#include "cost/report.h"

namespace burnish::cost {
namespace {

/// What is less than a tenth better is not worth a change.
constexpr double kWorthIt = 0.1;
/// Throughputs this close count as the same, and latencies as no reason for a delay.
constexpr double kSame = 0.01, kSameLatency = 0.05;
/// Without a target, less work may cost so many times the p99.
constexpr double kMostLatency = 2;
constexpr double kDelays_s[] = {0, 0.001, 0.002, 0.005, 0.010};

void check_inputs(const AuditInputs& inputs) {
  const ServingSettings& now = inputs.now;
  check(now.instances >= 1 && now.instances <= kMaxInstances, ErrorCode::kInvalidArgument,
        "{} instances: say with --instances how many the server has, 1 to {}", now.instances, kMaxInstances);
  check(now.max_batch >= 1 && now.queue_delay_s >= 0, ErrorCode::kInvalidArgument,
        "batches up to {} with a delay of {} s: say what is set with --max-batch, at least 1, and --queue-delay",
        now.max_batch, now.queue_delay_s);
  const double limit = inputs.target.max_utilisation;
  check(limit > 0 && limit < 1, ErrorCode::kInvalidArgument,
        "utilisation limit {}: it must lie above 0 and below 1 (100 %); 0.6 to 0.85 is usual", limit);
}

Replay replay_of(const AuditInputs& inputs) {
  const Observation& seen = inputs.seen;
  std::vector<double> arrivals = seen.arrivals_s;
  if (arrivals.empty()) {
    arrivals = poisson_arrivals(kSimulatedRequests, inputs.seed);
    // Exactly the observed rate, whatever chance made of these arrivals.
    const double scale = static_cast<double>(arrivals.size() - 1) / (arrivals.back() - arrivals.front());
    for (double& time : arrivals) time *= scale / seen.rate_per_s();
  }
  return {inputs.times, seen.items_per_request(), std::move(arrivals), inputs.target, seen.prepared_sizes};
}

/// Looks for settings that serve better than the present ones.
class Adviser {
 public:
  Adviser(const Replay& replay, Audit& audit)
      : replay_(replay), audit_(audit), now_(audit.replayed), capacity_now_(replay.capacity_per_s(now_.settings)) {
    for (int batch : replay.batches()) {
      // Replays of larger ones end at the largest that is known: no reason to set less than is set.
      if (batch == replay.batches().back()) batch = std::max(batch, now_.settings.max_batch);
      for (const double delay : kDelays_s) {
        if (batch > 1 || delay == 0) try_setting({now_.settings.instances, batch, delay});
      }
    }
  }

  void advise() {
    const Prediction* faster = most_throughput();
    instances(now_.settings, now_.settings.instances);
    if (faster) {
      const bool helps = !replay_.holds(now_) && replay_.holds(*faster);
      add(helps ? Benefit::kHoldsTarget : Benefit::kThroughput, *faster);
      instances(faster->settings, audit_.sufficient ? audit_.sufficient->settings.instances : kMaxInstances);
    }
    if (const Prediction* p = least(&SimulationResult::p99_s, now_.simulated.p99_s)) add(Benefit::kLatency, *p);
    const double slowest = audit_.inputs.target.p99_s.value_or(kMostLatency * now_.simulated.p99_s);
    if (const Prediction* p = least(&SimulationResult::busy_share, slowest)) add(Benefit::kLessWork, *p);
    std::ranges::stable_sort(audit_.advice, is_better);
  }

 private:
  void try_setting(const ServingSettings& settings) {
    const Prediction p = replay_.predict(settings);
    if (p.simulated.p99_s <= audit_.inputs.target.p99_s.value_or(p.simulated.p99_s)) tried_.push_back(p);
  }

  /// The most throughput and, of those, the lowest p99; none if it is not worth it.
  const Prediction* most_throughput() const {
    const Prediction* best = &now_;
    for (const Prediction& p : tried_) {
      const bool is_more = p.utilisation < best->utilisation * (1 - kSame);
      const bool is_same = p.utilisation <= best->utilisation * (1 + kSame);
      if (is_more || (best != &now_ && is_same && p.simulated.p99_s < best->simulated.p99_s * (1 - kSameLatency)))
        best = &p;
    }
    return best->utilisation * (1 + kWorthIt) <= now_.utilisation ? best : nullptr;
  }

  /// The least of a figure, if it is worth it, without loss of throughput and with this p99 at most.
  const Prediction* least(double SimulationResult::*figure, double most_p99_s) const {
    const Prediction* best = nullptr;
    double least = now_.simulated.*figure * (1 - kWorthIt);
    for (const Prediction& p : tried_) {
      if (p.utilisation > now_.utilisation * (1 + kSame) || p.simulated.p99_s > most_p99_s) continue;
      if (p.simulated.*figure <= least) {
        best = &p;
        least = p.simulated.*figure;
      }
    }
    return best;
  }

  /// Another number of instances, should fewer than `than` hold the target, or the present number not.
  void instances(ServingSettings settings, int than) {
    const auto needed = replay_.instances_for(settings);
    if (!needed) return;
    settings.instances = *needed;
    const bool is_present =
        settings.max_batch == now_.settings.max_batch && settings.queue_delay_s == now_.settings.queue_delay_s;
    Prediction p = replay_.predict(settings);
    if (is_present) audit_.sufficient = p;
    if (*needed < than && *needed < now_.settings.instances) add(Benefit::kFewerInstances, p);
    if (is_present && *needed > now_.settings.instances) add(Benefit::kHoldsTarget, p);
  }

  void add(Benefit benefit, const Prediction& p) {
    const bool is_known =
        std::ranges::any_of(audit_.advice, [&](const Advice& a) { return a.predicted.settings == p.settings; });
    if (is_known) return;
    const double factor = capacity_now_ > 0 ? replay_.capacity_per_s(p.settings) / capacity_now_ : 0;
    audit_.advice.push_back({benefit, p, factor, p.simulated.p99_s - now_.simulated.p99_s});
  }

  static bool is_better(const Advice& a, const Advice& b) {
    if (a.benefit != b.benefit) return a.benefit < b.benefit;
    const int more = a.predicted.settings.instances - b.predicted.settings.instances;
    return more != 0 ? more < 0 : a.throughput_factor > b.throughput_factor;
  }

  const Replay& replay_;
  Audit& audit_;
  const Prediction& now_;
  const double capacity_now_;
  std::vector<Prediction> tried_;
};

}  // namespace

Audit make_audit(const AuditInputs& inputs) {
  check_inputs(inputs);
  const Replay replay = replay_of(inputs);
  const Observation& seen = inputs.seen;
  Audit audit{.inputs = inputs,
              .busy_share = seen.busy_seconds() / seen.seconds / inputs.now.instances,
              .queue_share = seen.mean_latency_s > 0 ? seen.mean_queue_s / seen.mean_latency_s : 0,
              .is_poisson = seen.arrivals_s.empty(),
              .rate_per_s = replay.rate_per_s(),
              .replayed = replay.predict(inputs.now),
              .sufficient = {},
              .advice = {}};
  Adviser(replay, audit).advise();
  return audit;
}

}  // namespace burnish::cost
