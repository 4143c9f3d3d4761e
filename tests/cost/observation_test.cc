// What metrics and logs tell of a server, beside sums done by hand; and texts that are none.
#include "cost/observation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "cost/error_of.h"
#include "cost/metrics_reader.h"
#include "cost/observe_log.h"
#include "cost/observe_metrics.h"
#include "cost/server_answers.h"

namespace burnish::cost {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr const char* kText = R"(# HELP nv_inference_count Inferences
# TYPE nv_inference_count counter
nv_inference_count{model="a \"b\"\\\n",version="1"} 12.5
  burnish_ready 1 1767225600000
go_gc{quantile="0.5",} +Inf # {id="x"} 1
empty{} NaN
)";

TEST(Metrics, AreRead) {
  const auto samples = read_metrics(kText, "a.prom");
  ASSERT_EQ(samples.size(), 4u);
  EXPECT_EQ(samples[0].name, "nv_inference_count");
  EXPECT_EQ(samples[0].label("model"), "a \"b\"\\\n");
  EXPECT_EQ(samples[0].label("version"), "1");
  EXPECT_EQ(samples[0].label("gpu"), "");
  EXPECT_EQ(samples[0].value, 12.5);
  EXPECT_EQ(samples[1].value, 1);
  EXPECT_TRUE(std::isinf(samples[2].value));
  EXPECT_TRUE(std::isnan(samples[3].value));
}

TEST(Metrics, NameTheBadLine) {
  for (const auto& [line, expected] : {std::pair{"<html>", "a metric's name was expected at column 1"},
                                       {"a", "a number was expected"},
                                       {"a{b=\"c\" 1", "',' or '}' was expected"},
                                       {"a{b=\"c", "'\"' behind a label's value"},
                                       {"a{b=\"\\t\"} 1", "after '\\'"},
                                       {"a{b} 1", "'=' was expected"},
                                       {"a{,} 1", "a label's name"},
                                       {"a 1x", "a number was expected"},
                                       {"a 1 then", "a timestamp or the line's end"}}) {
    const std::string text = std::string("b 1\n") + line + "\n";
    EXPECT_THAT(error_of([&] { read_metrics(text, "a.prom"); }),
                testing::AllOf(HasSubstr("'a.prom', line 2: "), HasSubstr(expected)));
  }
  std::string labels;
  for (int i = 0; i < 65; ++i) labels += "l=\"\",";
  EXPECT_THAT(error_of([&] { read_metrics("a{" + labels + "} 1", "a.prom"); }), HasSubstr("after 64 labels"));
}

/// One model's counters; what Triton has.
std::string scrape(double requests, double items, double executions, double queue_us, double infer_us) {
  const auto row = [](const char* name, double value) {
    return fmt::format("nv_inference_{}{{model=\"m\",version=\"2\"}} {}\n", name, value);
  };
  return row("request_success", requests) + row("count", items) + row("exec_count", executions) +
         row("queue_duration_us", queue_us) + row("compute_infer_duration_us", infer_us) +
         row("compute_input_duration_us", 0.1 * infer_us) + row("compute_output_duration_us", 0.15 * infer_us) +
         row("request_duration_us", queue_us + 1.25 * infer_us + 100 * requests);
}

Observation observe(const std::string& before, const std::string& after) {
  return observe_metrics(read_metrics(before, "before"), read_metrics(after, "after"), 10).front();
}

TEST(ObserveMetrics, SumsByHand) {
  // In ten seconds: 400 requests of an item in 100 executions; each waited 3 ms and computed 4 + 0.4 + 0.6 ms.
  const Observation o = observe(scrape(50, 50, 50, 7e3, 9e3), scrape(450, 450, 150, 7e3 + 400 * 3e3, 9e3 + 400 * 4e3));
  EXPECT_EQ(o.name, "m/2");
  EXPECT_DOUBLE_EQ(o.rate_per_s(), 40);
  EXPECT_DOUBLE_EQ(o.mean_batch(), 4);
  EXPECT_DOUBLE_EQ(o.items_per_request(), 1);
  EXPECT_NEAR(o.mean_queue_s, 0.003, 1e-12);
  EXPECT_NEAR(o.mean_compute_s, 0.005, 1e-12);
  EXPECT_NEAR(o.mean_latency_s, 0.0081, 1e-12);
  EXPECT_NEAR(o.copy_share, 0.2, 1e-12);
  EXPECT_FALSE(o.busy_s || o.instances || o.p99_s);
  EXPECT_NEAR(o.busy_seconds(), 100 * 0.005, 1e-12);  // an estimate: a hundred batches of the mean time
}

TEST(ObserveMetrics, BurnishTellsMore) {
  const std::string more = R"(burnish_instance_busy_seconds_total{model="m",version="2",instance="m_0"} 3
burnish_instance_busy_seconds_total{model="m",version="2",instance="m_1"} 1
nv_inference_request_summary_us{model="m",version="2",quantile="0.5"} 4000
nv_inference_request_summary_us{model="m",version="2",quantile="0.99"} 9000
nv_inference_request_failure{model="m",version="2",reason="REJECTED"} 7
nv_inference_request_failure{model="m",version="2",reason="BACKEND"} 2
nv_cache_num_hits_per_model{model="m",version="2"} 100
burnish_batch_size_bucket{model="m",version="2",le="1"} 25
burnish_batch_size_bucket{model="m",version="2",le="2"} 25
burnish_batch_size_bucket{model="m",version="2",le="4"} 100
burnish_batch_size_bucket{model="m",version="2",le="+Inf"} 100
burnish_uptime_seconds 10
)";
  const std::string text = scrape(400, 300, 100, 0, 1e6) + more;
  const Observation o = observe("", text);
  EXPECT_EQ(o.instances, 2);
  EXPECT_TRUE(o.prepared_sizes);
  EXPECT_DOUBLE_EQ(o.busy_seconds(), 4);
  EXPECT_DOUBLE_EQ(o.p99_s.value(), 0.009);
  EXPECT_EQ(o.rejected, 7);
  EXPECT_EQ(o.failed, 2);
  EXPECT_EQ(o.requests, 300);
  EXPECT_EQ(o.cache_hits, 100);
  EXPECT_THAT(o.batch_shares, ElementsAre(Pair(1, 0.25), Pair(4, 0.75)));
  EXPECT_EQ(uptime_of(read_metrics(text, "a")), 10);
}

TEST(ObserveMetrics, TritonHasARowForEachGpu) {
  std::string text = scrape(10, 40, 10, 0, 1e5);
  for (size_t at = 0; (at = text.find(",version", at)) != std::string::npos; at += 20) {
    text.insert(at, ",gpu_uuid=\"GPU-1\"");
  }
  const Observation o = observe("", text + scrape(30, 120, 20, 0, 3e5));
  EXPECT_DOUBLE_EQ(o.requests, 40);
  EXPECT_DOUBLE_EQ(o.items_per_request(), 4);
  EXPECT_DOUBLE_EQ(o.mean_compute_s, 0.0125);
}

TEST(ObserveMetrics, RefusesWhatTellsNothing) {
  const std::string some = scrape(400, 400, 100, 0, 1e6);
  EXPECT_THAT(error_of([&] { observe("", "a 1\n"); }), HasSubstr("no model executed a request"));
  EXPECT_THAT(error_of([&] { observe(some, some); }), HasSubstr("--interval"));
  EXPECT_THAT(
      error_of([&] { observe(scrape(500, 400, 100, 0, 1e6), some); }),
      HasSubstr("model 'm/2': nv_inference_request_success went from 500 back to 400: the server was restarted"));
  EXPECT_THAT(error_of([&] { observe("", scrape(400, 400, 100, 5, 0)); }), HasSubstr("no model executed a request"));
  EXPECT_THAT(error_of([&] { observe("", scrape(400, 4, 4, 0, 1e6)); }), HasSubstr("do not fit together"));
  EXPECT_THAT(error_of([&] { observe_metrics({}, read_metrics(some, "a"), 0); }), HasSubstr("--interval"));
}

TEST(ObserveMetrics, MutationsAreReadOrRefused) {
  const std::string good = kText + scrape(450, 450, 150, 7e3, 9e3);
  std::mt19937_64 random(5);
  size_t refused = 0;
  for (int run = 0; run < 5000; ++run) {
    std::string text = good;
    for (size_t i = 1 + random() % 3; i > 0; --i) {
      const size_t at = random() % text.size();
      const auto c = static_cast<char>(random() % 256);
      random() % 2 ? text.insert(at, 1, c) : text.erase(at, random() % 4);
      text[random() % text.size()] = static_cast<char>(random() % 128);
    }
    refused += error_of([&] { observe("", text); }) == "no error" ? 0 : 1;
  }
  EXPECT_GT(refused, 500u);
  EXPECT_LT(refused, 5000u);
}

/// One server that takes 1.5 s for each of the requests that come every second.
std::string overloaded_log(int instances) {
  std::string csv = "time,path,duration_ms\n";
  std::vector<double> free_at(static_cast<size_t>(instances), 0.0);
  for (int i = 0; i < 200; ++i) {
    double& server = *std::ranges::min_element(free_at);
    server = std::max<double>(server, i) + 1.5;
    csv += fmt::format("{},/infer,{}\n", 1767225600 + i, (server - i) * 1e3);
  }
  return csv;
}

TEST(ObserveLog, FindsTheComputingTimeByOrder) {
  for (const int instances : {1, 2}) {
    const Observation o = observe_log(overloaded_log(instances), "log.csv", {}, instances);
    EXPECT_NEAR(o.mean_compute_s, 1.5, 1e-6);
    EXPECT_NEAR(o.times.at(1).seconds, 1.5, 1e-6);
    EXPECT_NEAR(*o.busy_s, 300, 1e-4);
    EXPECT_EQ(o.requests, 200);
    EXPECT_EQ(o.seconds, 199);
    EXPECT_NEAR(o.mean_queue_s, instances == 1 ? 0.5 * 199 / 2 : 0, 1e-6);
    EXPECT_EQ(o.arrivals_s.size(), 200u);
  }
  // One that comes later is answered earlier: there were two.
  std::string overtaking = "time,duration_ms\n";
  for (int i = 0; i < 100; ++i) overtaking += fmt::format("{},{}\n", i, i % 2 == 0 ? 1900 : 500);
  EXPECT_THAT(error_of([&] { observe_log(overtaking, "log.csv", {}, 1); }), HasSubstr("--instances"));
  EXPECT_NEAR(observe_log(overtaking, "log.csv", {}, 2).mean_compute_s, 1.2, 1e-6);
}

TEST(ObserveLog, TakesQueueAndBatchWhereTheyAreTold) {
  // Alternately alone, 4 ms, and in batches of two, 6 ms; each waited 1 ms.
  std::string csv = "batch;queue_us;duration_s;time\n";
  for (int i = 0; i < 300; ++i) {
    csv += fmt::format("{};1000;{};{}\r\n", i % 3 == 0 ? 1 : 2, i % 3 == 0 ? 0.005 : 0.007, 100 - i * 0.1);
  }
  const Observation o = observe_log(csv, "log.csv", {}, 1);
  EXPECT_NEAR(o.executions, 200, 1e-9);
  EXPECT_NEAR(o.mean_batch(), 1.5, 1e-9);
  EXPECT_NEAR(o.times.at(1).seconds, 0.004, 1e-9);
  EXPECT_NEAR(o.times.at(2).seconds, 0.006, 1e-9);
  EXPECT_NEAR(*o.busy_s, 100 * 0.004 + 100 * 0.006, 1e-9);
  EXPECT_NEAR(o.mean_queue_s, 0.001, 1e-9);
  EXPECT_THAT(o.batch_shares, ElementsAre(Pair(1, testing::DoubleNear(0.5, 1e-9)), Pair(2, testing::_)));
  EXPECT_EQ(o.arrivals_s.front(), 0);
  const LatencyCurve known(std::map<int, double>{{1, 0.003}, {2, 0.005}});
  EXPECT_NEAR(observe_log(csv, "log.csv", known, 1).mean_queue_s, 0.002, 1e-9);
}

TEST(ObserveLog, ReplaysTheBusiestHour) {
  std::string csv = "time,duration_ms\n";
  for (int i = 0; i < 2000; ++i) csv += fmt::format("{},1\n", i * 10);          // twenty thousand seconds
  for (int i = 0; i < 1500; ++i) csv += fmt::format("{},1\n", 7200.5 + 2 * i);  // in fifty minutes of them
  const Observation o = observe_log(csv, "log.csv", {}, 1);
  EXPECT_EQ(o.requests, 3500);
  EXPECT_NEAR(static_cast<double>(o.arrivals_s.size()), 1500 + 360, 1);
  EXPECT_LT(o.arrivals_s.back(), 3600);
}

TEST(ObserveLog, NamesTheBadLineOrColumn) {
  const auto error = [](const std::string& csv) { return error_of([&] { observe_log(csv, "log.csv", {}, 1); }); };
  EXPECT_THAT(error("when,duration_ms\n1,1\n"), HasSubstr("'log.csv', line 1: it must name the columns 'time' and"));
  EXPECT_THAT(error("time,duration\n1,1\n"), HasSubstr("duration_ms"));
  EXPECT_THAT(error("time,duration_ms\n1,1\nsoon,1\n"), HasSubstr("line 3: 'soon' is no time"));
  EXPECT_THAT(error("time,duration_ms\n1,-1\n"), HasSubstr("line 2: duration is '-1'"));
  EXPECT_THAT(error("time,duration_ms\n1\n"), HasSubstr("line 2: it has 1 cells"));
  EXPECT_THAT(error("time,duration_ms,batch\n1,1,0\n"), HasSubstr("batch is '0'"));
  EXPECT_THAT(error("time,duration_ms,queue_ms\n1,1,2\n"), HasSubstr("queue is a part of duration"));
  EXPECT_THAT(error("time,duration_ms\n1,1\n"), HasSubstr("has 1 requests"));
  std::string batched = "time,duration_ms,batch\n", at_once = "time,duration_ms,queue_ms\n";
  for (int i = 0; i < 100; ++i) {
    batched += fmt::format("{},1,2\n", i);
    at_once += "5,1,0\n";
  }
  EXPECT_THAT(error(batched), HasSubstr("add a column queue_ms"));
  EXPECT_THAT(error(at_once), HasSubstr("at one moment"));
}

TEST(ObservedCurve, RisesAndLeavesOutWhatWasSeldomSeen) {
  const LatencyCurve curve = observed_curve({{1, {0.004, 90}}, {2, {0.003, 50}}, {4, {0.009, 4}}, {8, {0.01, 5}}});
  EXPECT_THAT(curve.points(), ElementsAre(Pair(1, 0.004), Pair(2, 0.004), Pair(8, 0.01)));
  EXPECT_THAT(observed_curve({{3, {0.004, 1}}}).points(), ElementsAre(Pair(3, 0.004)));
}

TEST(ServerAnswers, ConfigurationAndBatchTimes) {
  const auto set = read_serving_config(
      R"({"max_batch_size": 8, "instance_group": [{"count": 2}, {}], "dynamic_batching": {"max_queue_delay_microseconds": 500}})");
  EXPECT_EQ(set, (ServingSettings{3, 8, 500e-6}));
  const auto alone = read_serving_config(R"({"max_batch_size": 8, "instance_group": []})");
  EXPECT_EQ(alone, (ServingSettings{1, 1, 0}));
  const auto times = read_batch_times(R"({"model_stats": [{"batch_stats": [{"batch_size": 4,
    "compute_input": {"count": 10, "ns": 1000000}, "compute_infer": {"count": 10, "ns": 30000000},
    "compute_output": {"count": 10, "ns": 9000000}, "busy": {"count": 0, "ns": 0}},
    {"batch_size": 8, "compute_infer": {"count": 6, "ns": 30000000}, "busy": {"count": 5, "ns": 35000000}},
    {"batch_size": 0}, {"batch_size": "x"}, 7]}]})");
  ASSERT_EQ(times.size(), 2u);
  EXPECT_DOUBLE_EQ(times.at(4).seconds, 0.004);
  EXPECT_EQ(times.at(4).executions, 10);
  EXPECT_DOUBLE_EQ(times.at(8).seconds, 0.007);
  EXPECT_EQ(times.at(8).executions, 5);
  for (const char* text :
       {"", "[]", "{", "7", R"({"max_batch_size": -1, "instance_group": 3})",
        R"({"model_stats": [{"batch_stats": {"compute_infer": 3}}]})",
        R"({"model_stats": [{"batch_stats": [{"batch_size": 1, "compute_infer": {"ns": "x"}}]}]})"}) {
    EXPECT_FALSE(read_serving_config(text)) << text;
    EXPECT_TRUE(read_batch_times(text).empty()) << text;
  }
}

}  // namespace
}  // namespace burnish::cost
