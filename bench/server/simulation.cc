// A real server under Poisson arrivals, and the simulator that `burnish cost` and `burnish audit` rest on under the
// very same arrivals. Open loop: a request is sent when its time has come, however many are unanswered, and its latency
// counts from that time. One thread that spins: it needs a core of its own. bench/server/simulation.py runs it.
// Without --times only the real server.
//
//   bench_simulation --port 8000 --model m --input x --shape 1,2048 --rate 300 --requests 6000 --max-batch 8
//                    --times 1:4.9ms,2:5.1ms,3:5.3ms,4:5.4ms,6:5.8ms,8:6ms
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cost/batch_simulator.h"
#include "cost/measurements.h"
#include "cost/units.h"
#include "http_target.h"

namespace {

using namespace burnish::bench;  // NOLINT(google-build-using-namespace)
using burnish::cost::SimulationResult;
using Json = nlohmann::ordered_json;

struct Options : Target {
  double rate = 100;
  int64_t requests = 5000;
  uint64_t seed = 1;
  int max_batch = 1;
  std::vector<std::string> times;
  std::string queue_delay = "0ms";
};

/// Requests that wait for their time, for a connection, and for their answer.
class OpenLoop {
 public:
  OpenLoop(const Options& options, std::vector<double> arrivals_s)
      : request_(make_request(options)), arrivals_s_(std::move(arrivals_s)), clients_(connect(loop_, options)) {
    for (const auto& client : clients_) idle_.push_back(client.get());
    latencies_s_.resize(arrivals_s_.size());
  }

  /// By request, in the order of their arrivals.
  const std::vector<double>& run() {
    constexpr auto kSilence = std::chrono::seconds(10);
    last_answer_ = Clock::now();
    start_ = last_answer_ + std::chrono::milliseconds(10);
    while (num_answered_ < arrivals_s_.size()) {
      send_due();
      loop_.poll();
      if (Clock::now() - last_answer_ > kSilence) throw std::runtime_error("no answer for ten seconds");
    }
    return latencies_s_;
  }
  double lateness_s() const { return lateness_s_ / static_cast<double>(arrivals_s_.size()); }

 private:
  double now_s() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

  void send_due() {
    while (next_ < arrivals_s_.size() && !idle_.empty() && arrivals_s_[next_] <= now_s()) {
      lateness_s_ += now_s() - arrivals_s_[next_];
      HttpClient* client = idle_.back();
      idle_.pop_back();
      client->start(request_, [this, client, i = next_++](const HttpAnswer& answer) { note(answer, *client, i); });
    }
    if (idle_.empty())
      throw std::runtime_error("all connections wait for answers: give more --connections, or a lower --rate");
  }

  void note(const HttpAnswer& answer, HttpClient& client, size_t request) {
    if (answer.status != 200) throw std::runtime_error("refused: " + answer.body);
    latencies_s_[request] = now_s() - arrivals_s_[request];
    idle_.push_back(&client);
    ++num_answered_;
    last_answer_ = Clock::now();
  }

  const std::string request_;
  const std::vector<double> arrivals_s_;
  HttpLoop loop_;
  const std::vector<std::unique_ptr<HttpClient>> clients_;
  std::vector<HttpClient*> idle_;
  std::vector<double> latencies_s_;
  Clock::time_point start_, last_answer_;
  size_t next_ = 0, num_answered_ = 0;
  double lateness_s_ = 0;
};

double quantile(std::vector<double> values, double q) {
  std::ranges::sort(values);
  return values[static_cast<size_t>(std::lround(q * static_cast<double>(values.size() - 1)))];
}

/// As simulate() counts: without the first tenth.
Json measured_json(const std::vector<double>& latencies_s, const std::vector<double>& arrivals_s) {
  const size_t first = latencies_s.size() / 10;
  const std::vector<double> counted(latencies_s.begin() + static_cast<std::ptrdiff_t>(first), latencies_s.end());
  double last_answer = 0, sum = 0;
  for (size_t i = first; i < latencies_s.size(); ++i) {
    last_answer = std::max(last_answer, arrivals_s[i] + latencies_s[i]);
    sum += latencies_s[i];
  }
  const auto n = static_cast<double>(counted.size());
  return {{"requests_per_s", n / (last_answer - arrivals_s[first] - latencies_s[first])},
          {"mean_ms", sum / n * 1e3},
          {"p50_ms", quantile(counted, 0.5) * 1e3},
          {"p99_ms", quantile(counted, 0.99) * 1e3}};
}

Json simulated_json(const Options& options, const std::vector<double>& arrivals_s) {
  // No LatencyCurve: one engine's kernels may be faster at a batch of eight than at one of four.
  std::map<int, double> times;
  for (const std::string& text : options.times) {
    const burnish::cost::Measurement time = burnish::cost::typed_measurement(text);
    times[time.batch] = time.seconds;
  }
  const double delay_s = burnish::cost::parse_seconds(options.queue_delay, "--queue-delay", true);
  std::map<int, int> batches;
  const auto service_s = [&](int batch) {
    ++batches[batch];
    return times.at(batch);
  };
  const SimulationResult r = burnish::cost::simulate({1, options.max_batch, delay_s, service_s, true}, arrivals_s);
  Json counts = Json::object();  // of all requests, as the server counts
  for (const auto& [size, count] : batches) counts[std::to_string(size)] = count;
  return {{"requests_per_s", r.items_per_s}, {"mean_ms", r.mean_latency_s * 1e3}, {"p50_ms", r.p50_s * 1e3},
          {"p99_ms", r.p99_s * 1e3},         {"busy_share", r.busy_share},        {"batches", counts}};
}

void run(const Options& options) {
  std::vector<double> arrivals_s = burnish::cost::poisson_arrivals(options.requests, options.seed);
  for (double& time : arrivals_s) time /= options.rate;
  OpenLoop load(options, arrivals_s);
  const Json measured = measured_json(load.run(), arrivals_s);
  Json json = {{"rate", options.rate}, {"sent_late_us", load.lateness_s() * 1e6}, {"measured", measured}};
  if (!options.times.empty()) json["simulated"] = simulated_json(options, arrivals_s);
  std::printf("%s\n", json.dump(1).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  options.connections = 128;
  CLI::App app("A server and its simulation under the same Poisson arrivals; prints JSON");
  add_target_options(app, options);
  app.add_option("--rate", options.rate, "requests a second")->check(CLI::PositiveNumber);
  app.add_option("--requests", options.requests)->check(CLI::Range(100, 10000000));
  app.add_option("--seed", options.seed);
  app.add_option("--max-batch", options.max_batch);
  app.add_option("--times", options.times, "BATCH:TIME of every size that the server forms, such as 1:4.9ms,2:5ms")
      ->delimiter(',');
  app.add_option("--queue-delay", options.queue_delay);
  CLI11_PARSE(app, argc, argv);
  try {
    run(options);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_simulation: %s\n", e.what());
    return 1;
  }
}
