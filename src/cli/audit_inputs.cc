#include "cli/audit_inputs.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "cli/cost_inputs.h"
#include "cost/csv.h"
#include "cost/observe_log.h"
#include "cost/observe_metrics.h"
#include "cost/server_answers.h"
#include "cost/units.h"
#include "http_client/http_get.h"

namespace burnish::cli {
namespace {

using cost::MetricSample;
using cost::Observation;
using http_client::http_get;
using http_client::HttpAnswer;
using http_client::is_url;

constexpr double kDefaultInterval_s = 10, kLongestInterval_s = 86400;
constexpr int kOk = 200;
/// Above, batches were formed.
constexpr double kAlone = 1.02;

// --- what was seen ---------------------------------------------------------------------------------------------------
/// A table has separators in its first line, and no labels.
bool is_log(std::string_view text) {
  const std::string_view line = cost::take_line(text);
  return !line.starts_with('#') && line.find('{') == std::string_view::npos &&
         line.find_first_of(",;\t") != std::string_view::npos;
}

std::vector<MetricSample> scrape(const std::string& url) {
  const HttpAnswer answer = http_get(url);
  check(answer.status == kOk, ErrorCode::kIo,
        "'{}' answers with status {}; if it wants a token, save the metrics with `curl -H` twice and give both files "
        "with "
        "--interval",
        url, answer.status);
  return cost::read_metrics(answer.body, url);
}

/// None where the server has no such page, as on Triton's port for metrics.
std::string page_of_model(const std::string& url, const std::string& model, const std::string& page) {
  const size_t slash = model.rfind('/');
  std::string path = "/v2/models/";
  for (const char c : model.substr(0, slash)) {
    const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
    path += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  if (slash != std::string::npos) path += "/versions" + model.substr(slash);
  const HttpAnswer answer = http_get(http_client::sibling_url(url, path + page));
  return answer.status == kOk ? answer.body : "";
}

double interval_of(const AuditWords& words, double otherwise) {
  const double seconds = words.interval.empty() ? otherwise : cost::parse_seconds(words.interval, "--interval");
  check(seconds <= kLongestInterval_s || !is_url(words.source), ErrorCode::kInvalidArgument,
        "--interval '{}' is longer than a day", words.interval);
  return seconds;
}

std::vector<Observation> observe_url(const AuditWords& words, void (*waiting)(double)) {
  check(words.later.empty(), ErrorCode::kInvalidArgument,
        "'{}' after a URL: a URL is scraped twice by itself; say with --interval how long to wait", words.later);
  const double seconds = interval_of(words, kDefaultInterval_s);
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<MetricSample> before = scrape(words.source);
  waiting(seconds);
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const double passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return cost::observe_metrics(before, scrape(words.source), passed);
}

std::vector<Observation> observe_files(const AuditWords& words, const std::string& text) {
  const std::vector<MetricSample> first = cost::read_metrics(text, words.source);
  const auto uptime = cost::uptime_of(first);
  if (words.later.empty()) {
    check(uptime || !words.interval.empty(), ErrorCode::kInvalidArgument,
          "'{}' does not tell how long the server has run (burnish_uptime_seconds): say it with --interval, or give a "
          "second scrape",
          words.source);
    return cost::observe_metrics({}, first, interval_of(words, uptime.value_or(0)));
  }
  const std::vector<MetricSample> second = cost::read_metrics(read_file(words.later), words.later);
  const auto later = cost::uptime_of(second);
  check(
      (uptime && later) || !words.interval.empty(), ErrorCode::kInvalidArgument,
      "'{}' and '{}' do not tell when they were taken (burnish_uptime_seconds): say with --interval what lies between "
      "them",
      words.source, words.later);
  return cost::observe_metrics(first, second, interval_of(words, later.value_or(0) - uptime.value_or(0)));
}

std::vector<Observation> observe(const AuditWords& words, const std::optional<cost::LatencyCurve>& typed,
                                 void (*waiting)(double)) {
  if (is_url(words.source)) return observe_url(words, waiting);
  const std::string text = read_file(words.source);
  if (!is_log(text)) return observe_files(words, text);
  check(words.later.empty(), ErrorCode::kInvalidArgument, "'{}' is a log of requests: '{}' after it has no meaning",
        words.source, words.later);
  return {cost::observe_log(text, words.source, typed, std::max(1, words.instances))};
}

/// Those that --model names: "NAME" or "NAME/VERSION".
void select_models(std::vector<Observation>& seen, const std::string& model) {
  if (model.empty()) return;
  std::string names;
  for (const Observation& o : seen) names += (names.empty() ? "" : ", ") + o.name;
  std::erase_if(seen, [&](const Observation& o) { return o.name != model && !o.name.starts_with(model + "/"); });
  check(!seen.empty(), ErrorCode::kInvalidArgument, "--model '{}' executed no request; these did: {}", model, names);
}

// --- what is known beside --------------------------------------------------------------------------------------------
/// A server that is asked tells its settings, and the times of its batches.
std::optional<cost::ServingSettings> ask_server(const AuditWords& words, Observation& seen) {
  if (!is_url(words.source)) return std::nullopt;
  seen.times = cost::read_batch_times(page_of_model(words.source, seen.name, "/stats"));
  return cost::read_serving_config(page_of_model(words.source, seen.name, "/config"));
}

/// Where no configuration is at hand.
cost::ServingSettings assumed_settings(const AuditWords& words, const Observation& seen, AuditOrigins& origins) {
  const bool has_batched = seen.mean_batch() > kAlone * seen.items_per_request();
  const int largest =
      seen.batch_shares.empty() ? static_cast<int>(std::ceil(seen.mean_batch())) : seen.batch_shares.rbegin()->first;
  if (!seen.instances && words.instances == 0) {
    origins.assumptions.emplace_back("nothing tells how many instances there are: 1 is assumed; say --instances");
  }
  if (has_batched && words.max_batch == 0) {
    origins.assumptions.push_back(fmt::format(
        "nothing tells the largest batch: {}, as seen, is assumed; say --max-batch and --queue-delay", largest));
  }
  return {seen.instances.value_or(1), has_batched ? largest : 1, 0};
}

cost::ServingSettings settings_of(const AuditWords& words, const std::optional<cost::ServingSettings>& configured,
                                  const Observation& seen, AuditOrigins& origins) {
  cost::ServingSettings now = configured ? *configured : assumed_settings(words, seen, origins);
  if (configured) origins.settings = "the server's configuration";
  if (words.instances != 0) now.instances = words.instances;
  if (words.max_batch != 0) now.max_batch = words.max_batch;
  if (!words.queue_delay.empty()) now.queue_delay_s = cost::parse_seconds(words.queue_delay, "--queue-delay", true);
  return now;
}

/// Of one size of batch, the only one that is known.
cost::LatencyCurve mean_time(const Observation& seen, AuditOrigins& origins) {
  const int batch = static_cast<int>(std::ceil(seen.mean_batch() - (kAlone - 1)));
  origins.times = "the mean of what was observed";
  if (batch > 1) {
    origins.assumptions.push_back(fmt::format(
        "only the mean time of all batches is known: batches below {} are taken to be as slow; give times with --times",
        batch));
  }
  return cost::LatencyCurve(std::map<int, double>{{batch, seen.mean_compute_s}});
}

cost::LatencyCurve observed_times(const Observation& seen, AuditOrigins& origins) {
  if (seen.times.empty()) return mean_time(seen, origins);
  origins.times = seen.arrivals_s.empty() ? "the server's statistics" : "the log";
  return cost::observed_curve(seen.times);
}

cost::LatencyCurve times_of(const std::optional<cost::LatencyCurve>& typed, const Observation& seen, int max_batch,
                            AuditOrigins& origins) {
  cost::LatencyCurve times = typed ? *typed : observed_times(seen, origins);
  if (typed) origins.times = "--times";
  if (!typed) {
    origins.assumptions.push_back(
        fmt::format("times of batches above {} are not known, so nothing is predicted of them: measure some with "
                    "`burnish bench --json` and give the files with --times",
                    times.largest_batch()));
  } else if (max_batch > times.largest_batch()) {
    origins.assumptions.push_back(
        fmt::format("batches up to {} are set, but --times ends at {}: replays end there as well", max_batch,
                    times.largest_batch()));
  }
  return times;
}

cost::AuditTarget target_of(const AuditWords& words) {
  cost::AuditTarget target{{}, cost::parse_share(words.max_utilisation, "--max-utilisation")};
  if (!words.p99.empty()) target.p99_s = cost::parse_seconds(words.p99, "--p99");
  return target;
}

void check_counts(const AuditWords& words) {
  check(words.instances >= 0 && words.max_batch >= 0, ErrorCode::kInvalidArgument,
        "--instances {} and --max-batch {}: both begin at 1", words.instances, words.max_batch);
}

}  // namespace

void add_audit_options(OptionSet& command, AuditWords& words) {
  command
      .add("source", words.source,
           "A server's metrics: their URL, or a saved scrape; or a CSV of requests (columns time, duration_ms and, if "
           "known, queue_ms and batch)")
      .required()
      .value_name("URL|FILE");
  command.add("later", words.later, "A second saved scrape [without: since the server's start]").value_name("FILE");
  command
      .add("--interval", words.interval, "Between the scrapes: how long to wait, or what lay between the files [10s]")
      .value_name("TIME");
  command.add("--model", words.model, "Only this model, or version: NAME or NAME/VERSION").value_name("NAME");
  const std::string set = "As it is set now, where the server does not tell";
  command.add("--instances", words.instances, "Executions that run side by side").value_name("N").group(set);
  command.add("--max-batch", words.max_batch, "Largest batch that is formed; 1: none").value_name("N").group(set);
  command.add("--queue-delay", words.queue_delay, "How long a request may wait for others")
      .value_name("TIME")
      .group(set);
  command
      .add("--times", words.times,
           "Times of batches: FILE,FILE… of `burnish bench --json`, or typed in, 1:10ms,8:55ms [as observed]")
      .value_name("TIMES")
      .group(set);
  const std::string wanted = "What is wanted";
  command.add("--p99", words.p99, "99 % of the requests are answered within this time")
      .value_name("TIME")
      .group(wanted);
  command.add("--max-utilisation", words.max_utilisation, "Instances are never planned fuller than this")
      .value_name("SHARE")
      .group(wanted)
      .show_default();
  command.add("--seed", words.seed, "Of the simulated arrivals").value_name("N").show_default();
}

std::vector<AuditCase> read_audit_cases(const AuditWords& words, void (*waiting)(double seconds)) {
  check_counts(words);
  const cost::AuditTarget target = target_of(words);
  std::optional<cost::LatencyCurve> typed;
  if (!words.times.empty()) typed = cost::instance_of(read_times(words.times, "--times")).latency;
  std::vector<Observation> seen = observe(words, typed, waiting);
  select_models(seen, words.model);
  check(!typed || seen.size() == 1, ErrorCode::kInvalidArgument,
        "--times are of one model, but {} executed requests; say which with --model", seen.size());
  std::vector<AuditCase> cases;
  for (Observation& o : seen) {
    AuditOrigins origins;
    const cost::ServingSettings now = settings_of(words, ask_server(words, o), o, origins);
    const cost::LatencyCurve times = times_of(typed, o, now.max_batch, origins);
    cases.push_back({{std::move(o), now, times, target, words.seed}, std::move(origins)});
  }
  return cases;
}

}  // namespace burnish::cli
