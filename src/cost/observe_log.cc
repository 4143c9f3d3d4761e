#include "cost/observe_log.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>

#include "base/error.h"
#include "cost/csv.h"
#include "cost/traffic.h"

namespace burnish::cost {
namespace {

constexpr size_t kLeastRequests = 100;
constexpr double kLargestBatch = 1 << 20;
/// So many requests at least make an hour worth replaying by itself.
constexpr size_t kLeastPerHour = 1000;
/// Share of requests that may end before an instance was free for them: clocks are not exact.
constexpr double kOutOfOrder = 0.01;

struct Request {
  double arrival_s = 0, duration_s = 0, queue_s = 0, compute_s = 0;
  int batch = 1;
};

struct Column {
  size_t index = 0;
  double unit = 1;
};

/// Where the columns stand.
class Header {
 public:
  Header(std::string_view line, const std::string& name) {
    std::vector<std::string_view> cells;
    split_cells(line, cells);
    time = find(cells, "time", "");
    if (!time) time = find(cells, "timestamp", "");
    duration = find_duration(cells, "duration");
    queue = find_duration(cells, "queue");
    batch = find(cells, "batch", "");
    check(time && duration, ErrorCode::kInvalidArgument,
          "'{}', line 1: it must name the columns 'time' and 'duration_ms' (or _us, _s), and may name 'queue_ms' and "
          "'batch'; it is '{}'",
          name, line.substr(0, 100));
  }
  std::optional<Column> time, duration, queue, batch;

 private:
  static std::optional<Column> find(const std::vector<std::string_view>& cells, std::string_view name,
                                    std::string_view suffix, double unit = 1) {
    for (size_t i = 0; i < cells.size(); ++i) {
      if (cells[i].starts_with(name) && cells[i].substr(name.size()) == suffix) return Column{i, unit};
    }
    return std::nullopt;
  }
  static std::optional<Column> find_duration(const std::vector<std::string_view>& cells, std::string_view name) {
    for (const auto& [suffix, unit] : {std::pair{"_ms", 1e-3}, {"_us", 1e-6}, {"_s", 1.0}}) {
      if (auto column = find(cells, name, suffix, unit)) return column;
    }
    return std::nullopt;
  }
};

class LogReader {
 public:
  LogReader(std::string_view csv, const std::string& name) : name_(name), header_(take_line(csv), name) {
    for (number_ = 2; !csv.empty(); ++number_) {
      const std::string_view line = take_line(csv);
      split_cells(line, cells_);
      if (cells_.size() > 1 || !cells_.front().empty()) requests.push_back(request());
    }
    std::ranges::stable_sort(requests, {}, &Request::arrival_s);
  }
  bool has_queue() const { return header_.queue.has_value(); }
  std::vector<Request> requests;

 private:
  std::string_view cell(const Column& column, std::string_view what) const {
    check(column.index < cells_.size(), ErrorCode::kInvalidArgument,
          "'{}', line {}: it has {} cells, but {} is the {}th", name_, number_, cells_.size(), what, column.index + 1);
    return cells_[column.index];
  }
  double duration(const Column& column, std::string_view what) const {
    const std::string_view text = cell(column, what);
    const auto value = parse_number(text);
    check(value && *value >= 0, ErrorCode::kInvalidArgument,
          "'{}', line {}: {} is '{}'; a number of 0 or more was expected", name_, number_, what, text);
    return *value * column.unit;
  }
  int batch() const {
    const std::string_view text = cell(*header_.batch, "batch");
    const auto value = parse_number(text);
    check(value && *value >= 1 && *value <= kLargestBatch && *value == std::floor(*value), ErrorCode::kInvalidArgument,
          "'{}', line {}: batch is '{}'; a whole number from 1 on was expected", name_, number_, text);
    return static_cast<int>(*value);
  }
  Request request() const {
    Request r;
    const std::string_view text = cell(*header_.time, "time");
    const auto time = parse_time(text);
    check(time.has_value(), ErrorCode::kInvalidArgument,
          "'{}', line {}: '{}' is no time; write ISO 8601 (2026-03-01T12:34:56.789Z) or seconds since 1970", name_,
          number_, text);
    r.arrival_s = *time;
    r.duration_s = duration(*header_.duration, "duration");
    if (header_.queue) r.queue_s = duration(*header_.queue, "queue");
    if (header_.batch) r.batch = batch();
    check(r.queue_s <= r.duration_s, ErrorCode::kInvalidArgument,
          "'{}', line {}: the request waited {:.6g} s of {:.6g} s; queue is a part of duration", name_, number_,
          r.queue_s, r.duration_s);
    return r;
  }

  const std::string& name_;
  Header header_;
  std::vector<std::string_view> cells_;
  int number_ = 1;
};

/// First come first served: a request starts when fewer than `instances` of the earlier ones are unanswered.
void compute_times_by_order(std::vector<Request>& requests, int instances, const std::string& name) {
  std::priority_queue<double, std::vector<double>, std::greater<>> latest_ends;
  size_t num_early = 0;
  for (Request& r : requests) {
    const double end = r.arrival_s + r.duration_s;
    double start = r.arrival_s;
    if (latest_ends.size() == static_cast<size_t>(instances)) start = std::max(start, latest_ends.top());
    if (end < start) ++num_early;
    r.compute_s = std::max(0.0, end - start);
    r.queue_s = r.duration_s - r.compute_s;
    latest_ends.push(end);
    if (latest_ends.size() > static_cast<size_t>(instances)) latest_ends.pop();
  }
  check(
      static_cast<double>(num_early) <= kOutOfOrder * static_cast<double>(requests.size()), ErrorCode::kInvalidArgument,
      "'{}': {} of {} requests were answered before {} instance{} could begin with them: say with --instances how many "
      "the server has, add a column queue_ms, or give the times of batches with --times",
      name, num_early, requests.size(), instances, instances == 1 ? "" : "s");
}

void set_compute_times(LogReader& log, const std::string& name, const std::optional<LatencyCurve>& known,
                       int instances) {
  if (!known && !log.has_queue()) {
    const auto batched = std::ranges::find_if(log.requests, [](const Request& r) { return r.batch > 1; });
    check(
        batched == log.requests.end(), ErrorCode::kInvalidArgument,
        "'{}' has batches, and durations alone do not tell computing from waiting: add a column queue_ms, or give the "
        "times of batches with --times",
        name);
    return compute_times_by_order(log.requests, instances, name);
  }
  for (Request& r : log.requests) {
    r.compute_s = known ? std::min(r.duration_s, known->seconds(r.batch)) : r.duration_s - r.queue_s;
    if (known) r.queue_s = r.duration_s - r.compute_s;
  }
}

/// Of logs of more than an hour, the hour from the request on with the most others.
std::vector<double> busiest_arrivals(const std::vector<Request>& requests) {
  size_t best = 0, most = 0;
  for (size_t begin = 0, end = 0; begin < requests.size(); ++begin) {
    while (end < requests.size() && requests[end].arrival_s < requests[begin].arrival_s + kSecondsPerHour) ++end;
    if (end - begin > most) std::tie(best, most) = std::pair{begin, end - begin};
  }
  if (most < kLeastPerHour) std::tie(best, most) = std::pair{size_t{0}, requests.size()};
  std::vector<double> arrivals;
  for (size_t i = best; i < best + most; ++i) arrivals.push_back(requests[i].arrival_s - requests[best].arrival_s);
  return arrivals;
}

double p99_of(const std::vector<Request>& requests) {
  std::vector<double> durations;
  for (const Request& r : requests) durations.push_back(r.duration_s);
  const auto at = durations.begin() + std::lround(0.99 * static_cast<double>(durations.size() - 1));
  std::ranges::nth_element(durations, at);
  return *at;
}

}  // namespace

Observation observe_log(std::string_view csv, const std::string& name, const std::optional<LatencyCurve>& known,
                        int instances) {
  LogReader log(csv, name);
  check(log.requests.size() >= kLeastRequests, ErrorCode::kInvalidArgument,
        "'{}' has {} requests; {} at least say something about a server", name, log.requests.size(), kLeastRequests);
  set_compute_times(log, name, known, instances);
  Observation o;
  o.name = name;
  o.requests = o.items = static_cast<double>(log.requests.size());
  o.seconds = log.requests.back().arrival_s - log.requests.front().arrival_s;
  check(o.seconds > 0, ErrorCode::kInvalidArgument,
        "'{}': all requests arrive at one moment; times need fractions of "
        "seconds",
        name);
  o.busy_s = 0;
  for (const Request& r : log.requests) {
    const double share = 1.0 / r.batch;  // of its execution
    o.executions += share;
    *o.busy_s += share * r.compute_s;
    o.mean_latency_s += r.duration_s / o.requests;
    o.mean_queue_s += r.queue_s / o.requests;
    o.mean_compute_s += r.compute_s / o.requests;
    Observation::Time& time = o.times[r.batch];
    time.executions += share;
    time.seconds += share * r.compute_s;
  }
  for (auto& [batch, time] : o.times) {
    time.seconds /= time.executions;
    o.batch_shares[batch] = time.executions / o.executions;
  }
  o.p99_s = p99_of(log.requests);
  o.arrivals_s = busiest_arrivals(log.requests);
  return o;
}

}  // namespace burnish::cost
