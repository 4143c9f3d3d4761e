// How many inferences a second a server answers over HTTP, and how long each takes. One thread, keep-alive
// connections that each send their next request when the last is answered.
//
//   bench_http_load --port 8000 --model identity --input INPUT0 --shape 1,16 --connections 64 --seconds 5
#include <algorithm>
#include <cstdio>

#include "http_target.h"

namespace {

using namespace burnish::bench;  // NOLINT(google-build-using-namespace)

struct Options : Target {
  double seconds = 5, warmup = 1;
  bool json = false, check_echo = false;
};

struct Result {
  std::vector<float> latencies_us;
  double seconds = 0;
  size_t errors = 0;
  std::string first_error;
};

class Load {
 public:
  explicit Load(const Options& options)
      : options_(options), request_(make_request(options)), clients_(connect(loop_, options)) {}

  Result run() {
    measured_from_ = Clock::now() + duration(options_.warmup);
    for (const auto& client : clients_) ask(*client);
    loop_.run_until(measured_from_ + duration(options_.seconds));
    result_.seconds = options_.seconds;
    std::sort(result_.latencies_us.begin(), result_.latencies_us.end());
    return std::move(result_);
  }

 private:
  static Clock::duration duration(double seconds) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }

  void ask(HttpClient& client) {
    client.start(request_, [this, &client, began = Clock::now()](const HttpAnswer& answer) {
      note(answer, began);
      ask(client);
    });
  }

  void note(const HttpAnswer& answer, Clock::time_point began) {
    const bool is_right = answer.status == 200 &&
                          (!options_.check_echo || (request_.ends_with(answer.binary()) && !answer.binary().empty()));
    if (!is_right && result_.errors++ == 0) {
      result_.first_error = std::to_string(answer.status) + " " + answer.body;
    }
    const auto now = Clock::now();
    if (now < measured_from_ || !is_right) return;
    result_.latencies_us.push_back(std::chrono::duration<float, std::micro>(now - began).count());
  }

  const Options& options_;
  const std::string request_;
  HttpLoop loop_;
  const std::vector<std::unique_ptr<HttpClient>> clients_;
  Clock::time_point measured_from_;
  Result result_;
};

double percentile(const std::vector<float>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(share * static_cast<double>(sorted.size())))];
}

void print(const Options& o, const Result& r) {
  const double rate = static_cast<double>(r.latencies_us.size()) / r.seconds;
  const double p50 = percentile(r.latencies_us, 0.5), p90 = percentile(r.latencies_us, 0.9),
               p99 = percentile(r.latencies_us, 0.99), worst = r.latencies_us.empty() ? 0 : r.latencies_us.back();
  if (o.json) {
    std::printf(
        "{\"protocol\": \"http\", \"model\": \"%s\", \"connections\": %d, \"inferences_per_second\": %.1f, "
        "\"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f, \"errors\": %zu}\n",
        o.model.c_str(), o.connections, rate, p50, p90, p99, worst, r.errors);
  } else {
    std::printf(
        "HTTP, %s, %d connections: %.0f inferences/s; latency p50 %.0f us, p90 %.0f, p99 %.0f, max %.0f; %zu errors\n",
        o.model.c_str(), o.connections, rate, p50, p90, p99, worst, r.errors);
  }
  if (r.errors > 0) std::fprintf(stderr, "first error: %s\n", r.first_error.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Load over HTTP: inferences a second and latencies");
  add_target_options(app, options);
  app.add_option("--seconds", options.seconds);
  app.add_option("--warmup", options.warmup);
  app.add_flag("--json", options.json);
  app.add_flag("--check-echo", options.check_echo, "the answer's tensor must be the input");
  CLI11_PARSE(app, argc, argv);
  try {
    const Result result = Load(options).run();
    print(options, result);
    return result.errors == 0 && !result.latencies_us.empty() ? 0 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_http_load: %s\n", e.what());
    return 1;
  }
}
