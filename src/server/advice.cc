#include "server/advice.h"

#include <fmt/format.h>

#include <cmath>
#include <thread>

namespace burnish::server {
namespace {

constexpr uint64_t kFewRequests = 50;  // below, figures are chance
constexpr double kIdle = 0.6, kBusy = 0.85;
constexpr std::chrono::seconds kWindow{60}, kShortest{10}, kSampleEvery{5};

double ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

double milliseconds(uint64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

/// The figures that the rules speak of.
struct Figures {
  const Activity& lately;
  const VersionState& state;
  size_t instances = state.instances.size();
  double busy = ratio(lately.busy_ns, lately.span_ns* std::max<size_t>(instances, 1));
  double batch = ratio(lately.inferences, lately.executions);
  double max_batch = static_cast<double>(std::max<uint64_t>(state.max_batch_size, 1));
  uint64_t queue_p50_ns = state.queue.recent.quantile_ns(0.5), queue_p99_ns = state.queue.recent.quantile_ns(0.99);
  uint64_t compute_p50_ns = state.compute.recent.quantile_ns(0.5);
  uint64_t compute_p99_ns = state.compute.recent.quantile_ns(0.99);
  bool can_batch = state.max_batch_size > 1;
  /// Answered or not.
  uint64_t arrived = lately.requests + lately.queue_full + lately.timed_out + lately.too_late;
};

/// Empty: does not apply.
using Rule = std::string (*)(const Figures& f);

std::string idle_instances(const Figures& f) {
  if (f.instances < 1 || f.busy > 1 - kIdle) return {};
  std::string idle = fmt::format("instances idle {:.0f} % of the time", 100 * (1 - f.busy));
  const double work = f.busy * static_cast<double>(f.instances);  // in instances
  const auto enough = static_cast<size_t>(std::max(1.0, std::ceil(work / kBusy)));
  if (enough >= f.instances) return idle;
  return fmt::format("{}: {} of {} would do (instance_group count)", idle, enough, f.instances);
}

std::string small_batches(const Figures& f) {
  // Requests that wait while batches stay small could have gone together.
  const bool waiting = f.busy > 0.5 && f.queue_p50_ns > f.compute_p50_ns / 4;
  if (!f.can_batch || f.batch >= 0.5 * f.max_batch || f.batch >= 2 || !waiting) return {};
  return fmt::format(
      "batches are {:.1f} on average while requests wait {:.1f} ms: raise max_queue_delay_microseconds (now {})",
      f.batch, milliseconds(f.queue_p50_ns), f.state.queue_delay_us);
}

std::string useless_delay(const Figures& f) {
  if (!f.can_batch || f.state.queue_delay_us == 0 || f.batch >= 1.2 || f.busy > 0.5) return {};
  if (f.queue_p50_ns < f.state.queue_delay_us * 1000 / 2) return {};
  return fmt::format(
      "batches are {:.1f} on average, yet requests wait {:.1f} ms for company: lower max_queue_delay_microseconds (now "
      "{})",
      f.batch, milliseconds(f.queue_p50_ns), f.state.queue_delay_us);
}

std::string full_batches(const Figures& f) {
  if (!f.can_batch || f.batch < 0.9 * f.max_batch || f.busy < kBusy) return {};
  return fmt::format(
      "batches are full ({:.1f} of {}) and instances busy {:.0f} % of the time: raise max_batch_size, if the engine's "
      "profile allows",
      f.batch, f.state.max_batch_size, 100 * f.busy);
}

std::string overload(const Figures& f) {
  if (f.busy < kBusy || f.queue_p99_ns < 2 * f.compute_p99_ns) return {};
  return fmt::format(
      "instances are busy {:.0f} % of the time and requests wait longer than they compute (p99 {:.1f} ms, {:.1f} ms): "
      "more instances or another server would help",
      100 * f.busy, milliseconds(f.queue_p99_ns), milliseconds(f.compute_p99_ns));
}

std::string full_queue(const Figures& f) {
  const double share = ratio(f.lately.queue_full, f.arrived);
  if (share < 0.001) return {};
  return fmt::format(
      "{:.1f} % of requests found the queue full: add instances, or raise max_queue_size if they may wait",
      100 * share);
}

std::string late_requests(const Figures& f) {
  const double share = ratio(f.lately.timed_out + f.lately.too_late, f.arrived);
  if (share < 0.001) return {};
  return fmt::format("{:.1f} % of requests could not be answered in time: add instances, or give them longer timeouts",
                     100 * share);
}

std::string costly_copies(const Figures& f) {
  const double share = ratio(f.lately.copy_ns, f.lately.copy_ns + f.lately.infer_ns);
  if (share < 0.3 || f.compute_p50_ns < 100000) return {};
  return fmt::format(
      "{:.0f} % of the compute time goes into inputs and outputs: smaller data types or shared memory help",
      100 * share);
}

std::string useless_cache(const Figures& f) {
  const uint64_t lookups = f.lately.cache_hits + f.lately.cache_misses;
  const double share = ratio(f.lately.cache_hits, lookups);
  if (lookups < kFewRequests || share > 0.02) return {};
  return fmt::format(
      "the response cache answers {:.1f} % of the requests: it costs more than it saves (response_cache)", 100 * share);
}

constexpr Rule kRules[] = {full_queue,    late_requests, overload,      full_batches,  small_batches,
                           useless_delay, costly_copies, useless_cache, idle_instances};

}  // namespace

Activity activity_of(const VersionState& state) {
  const ModelStatistics& s = state.statistics;
  Activity a;
  a.span_ns = state.alive_ns;
  for (const InstanceState& instance : state.instances) a.busy_ns += instance.busy_ns;
  a.requests = s.success.count;
  a.inferences = s.inference_count;
  a.executions = s.execution_count;
  a.queue_full = state.rejections.queue_full;
  a.timed_out = state.rejections.timed_out;
  a.too_late = state.rejections.too_late;
  a.copy_ns = s.compute_input.ns + s.compute_output.ns;
  a.infer_ns = s.compute_infer.ns;
  a.cache_hits = s.cache_hit.count;
  a.cache_misses = s.cache_miss.count;
  return a;
}

Activity operator-(const Activity& now, const Activity& then) {
  Activity d;
  for (uint64_t Activity::*member :
       {&Activity::span_ns, &Activity::busy_ns, &Activity::requests, &Activity::inferences, &Activity::executions,
        &Activity::queue_full, &Activity::timed_out, &Activity::too_late, &Activity::copy_ns, &Activity::infer_ns,
        &Activity::cache_hits, &Activity::cache_misses}) {
    d.*member = now.*member - std::min(now.*member, then.*member);
  }
  return d;
}

std::vector<std::string> advice(const Activity& lately, const VersionState& state) {
  const Figures figures{lately, state};
  std::vector<std::string> said;
  if (figures.arrived < kFewRequests) return said;
  for (const Rule rule : kRules) {
    if (std::string text = rule(figures); !text.empty()) said.push_back(std::move(text));
  }
  return said;
}

std::vector<std::string> Advisor::advise(const Snapshot::Model& model, std::chrono::steady_clock::time_point now) {
  const Activity total = activity_of(model.state);
  Activity lately = total;
  {
    const std::lock_guard lock(mutex_);
    std::deque<Sample>& samples = samples_[{model.entry.name, model.entry.version}];
    if (!samples.empty() && samples.back().total.span_ns > total.span_ns) samples.clear();  // loaded anew
    while (samples.size() > 1 && now - samples[1].time >= kWindow) samples.pop_front();
    if (!samples.empty() && now - samples.front().time >= kShortest) lately = total - samples.front().total;
    if (samples.empty() || now - samples.back().time >= kSampleEvery) samples.push_back({now, total});
  }
  return advice(lately, model.state);
}

void Advisor::forget_others(const Snapshot& snapshot) {
  const std::lock_guard lock(mutex_);
  std::erase_if(samples_, [&](const auto& item) {
    return std::none_of(snapshot.models.begin(), snapshot.models.end(), [&](const Snapshot::Model& model) {
      return item.first == Key(model.entry.name, model.entry.version);
    });
  });
}

std::vector<std::string> server_advice(const Snapshot& snapshot) {
  std::vector<std::string> said;
  size_t threads = 0, broken = 0;
  for (const Snapshot::Model& model : snapshot.models) {
    for (const InstanceState& instance : model.state.instances) threads += static_cast<size_t>(instance.threads);
    broken += model.entry.state == "UNAVAILABLE" && !model.entry.reason.empty() ? 1 : 0;
  }
  if (broken > 0) {
    said.push_back(
        fmt::format("{} model version{} could not be loaded: see why below", broken, broken == 1 ? "" : "s"));
  }
  const size_t cores = std::thread::hardware_concurrency();
  if (cores > 0 && threads > 2 * cores) {
    said.push_back(
        fmt::format("instances have {} threads for {} cores: under load they take time from each other; lower "
                    "the instance groups' counts or threads",
                    threads, cores));
  }
  return said;
}

}  // namespace burnish::server
