// Units, traffic, logs, prices and measurements: what is read, and what is refused with which words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cost/error_of.h"
#include "cost/measurements.h"
#include "cost/prices.h"
#include "cost/traffic.h"
#include "cost/traffic_log.h"
#include "cost/units.h"

namespace burnish::cost {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Units, AreReadAndAskedFor) {
  EXPECT_DOUBLE_EQ(parse_seconds("10ms", "time"), 0.010);
  EXPECT_DOUBLE_EQ(parse_seconds("1.5 s", "time"), 1.5);
  EXPECT_DOUBLE_EQ(parse_seconds("800us", "time"), 0.0008);
  EXPECT_DOUBLE_EQ(parse_seconds("0ms", "delay", true), 0);
  EXPECT_DOUBLE_EQ(parse_share("80%", "limit"), 0.8);
  EXPECT_DOUBLE_EQ(parse_share("0.8", "limit"), 0.8);
  EXPECT_DOUBLE_EQ(parse_requests_per_day("2.5M", "volume"), 2.5e6);
  EXPECT_DOUBLE_EQ(parse_requests_per_day("2/s", "volume"), 172800);
  EXPECT_DOUBLE_EQ(parse_hourly_price("2.50 USD/h", "price").amount, 2.5);
  EXPECT_EQ(parse_hourly_price("2.50USD/h", "price").currency, "USD");
  EXPECT_EQ(parse_money("5000", "cost").currency, "");
}

TEST(Units, ErrorsShowARightOne) {
  EXPECT_THAT(error_of([] { parse_seconds("10", "--p99"); }),
              AllOf(HasSubstr("--p99 '10' has no unit"), HasSubstr("10ms")));
  EXPECT_THAT(error_of([] { parse_seconds("10min", "--p99"); }), HasSubstr("unknown unit 'min'"));
  EXPECT_THAT(error_of([] { parse_seconds("-1ms", "--p99"); }), HasSubstr("positive"));
  EXPECT_THAT(error_of([] { parse_seconds("nan ms", "--p99"); }), HasSubstr("does not begin with a number"));
  EXPECT_THAT(error_of([] { parse_requests_per_day("0", "volume"); }), HasSubstr("positive"));
  EXPECT_THAT(error_of([] { parse_hourly_price("2.50USD", "--price"); }), HasSubstr("not by the hour"));
  EXPECT_THAT(error_of([] { parse_hourly_price("-2USD/h", "--price"); }), HasSubstr("negative"));
  EXPECT_THAT(error_of([] { parse_money("5<b>", "--one-off-cost"); }), HasSubstr("no currency"));
}

TEST(Traffic, PeakRateByHand) {
  // Twelve of 24 equal hours' weight 3, the others 1: the peak is 1.5 of the mean.
  Traffic traffic{{86400}, parse_profile("3,3,3,3,3,3,3,3,3,3,3,3,1,1,1,1,1,1,1,1,1,1,1,1"), 2, 0};
  EXPECT_DOUBLE_EQ(peak_rate_per_s(traffic, 86400), 3);
  EXPECT_DOUBLE_EQ(requests_per_day_at_peak(traffic, 3), 86400);
  EXPECT_DOUBLE_EQ(parse_profile("flat").peak_to_mean(), 1);
  EXPECT_GT(parse_profile("office").peak_to_mean(), 1.5);
  EXPECT_GT(parse_profile("evening").peak_to_mean(), 1.5);
}

TEST(Traffic, RefusesWhatMakesNoSense) {
  for (const char* profile : {"", "night", "1,2,3", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,",
                              "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"}) {
    EXPECT_THAT(error_of([&] { parse_profile(profile); }), HasSubstr("24 weights from midnight on")) << profile;
  }
  EXPECT_THAT(error_of([] { parse_profile("-1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"); }),
              HasSubstr("0 or more"));
  EXPECT_THAT(error_of([] { parse_profile("0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0"); }),
              HasSubstr("positive"));
  const DailyProfile flat = parse_profile("flat");
  EXPECT_THAT(error_of([&] { check_traffic({{}, flat, 1, 0}); }), HasSubstr("--requests-per-day"));
  EXPECT_THAT(error_of([&] { check_traffic({{1e5}, flat, 0.5, 0}); }), HasSubstr("peak factor 0.5"));
  EXPECT_THAT(error_of([&] { check_traffic({{1e5}, flat, 1, -1}); }), HasSubstr("growth"));
}

std::string log_of_two_days() {
  std::string csv = "time,duration\n";
  for (int hour = 0; hour < 48; ++hour) {
    const int requests = hour % 24 == 20 ? 36 : 12;
    for (int i = 0; i < requests; ++i) csv += fmt::format("{},0.01\n", 1767225600 + hour * 3600 + i * 3600 / requests);
  }
  return csv;
}

TEST(TrafficLog, TellsVolumeAndProfile) {
  const Traffic traffic = read_traffic_log(log_of_two_days(), "log.csv");
  EXPECT_NEAR(traffic.requests_per_day.front(), 12 * 23 + 36, 2);
  EXPECT_DOUBLE_EQ(traffic.profile.weights[20] / traffic.profile.weights[3], 3);
  EXPECT_EQ(traffic.peak_factor, 1);  // too few to see bursts
}

TEST(TrafficLog, SeesTheBusiestMinute) {
  // 120 requests a minute, and 360 in one of them.
  std::string csv;
  for (int minute = 0; minute < 60; ++minute) {
    const int requests = minute == 30 ? 360 : 120;
    for (int i = 0; i < requests; ++i)
      csv += fmt::format("{}\n", 1767225600000.0 + minute * 60e3 + i * 60e3 / requests);
  }
  csv += "1767229200000\n";
  EXPECT_NEAR(read_traffic_log(csv, "log.csv").peak_factor, 360 / (7440 / 60.0), 1e-9);
}

TEST(TrafficLog, ReadsIsoTimesInAnyOrder) {
  std::string csv;
  for (int i = 0; i < 60; ++i) {
    csv += fmt::format("2026-03-01T13:{:02}:30.5+02:00;GET\r\n", i);
    csv += fmt::format("\"2026-03-01 09:{:02}:00Z\"\n", i);
  }
  const Traffic traffic = read_traffic_log(csv, "log.csv");
  EXPECT_EQ(traffic.profile.weights[11], 60);
  EXPECT_EQ(traffic.profile.weights[9], 60);
}

TEST(TrafficLog, NamesTheBadLine) {
  EXPECT_THAT(error_of([] { read_traffic_log("time\n1767225600\nyesterday\n", "log.csv"); }),
              HasSubstr("'log.csv', line 3: 'yesterday' is no time"));
  EXPECT_THAT(error_of([] { read_traffic_log("1767225600\n2026-02-30T00:00:00Z\n", "log.csv"); }), HasSubstr("line 2"));
  EXPECT_THAT(error_of([] { read_traffic_log("1767225600\n", "log.csv"); }), HasSubstr("has 1 requests"));
  std::string same;
  for (int i = 0; i < 200; ++i) same += "1767225600\n";
  EXPECT_THAT(error_of([&] { read_traffic_log(same, "log.csv"); }), HasSubstr("covers 0 s"));
}

constexpr const char* kPrices = R"(
currency = "EUR"
[machines.small]
on_demand = 0.10
spot = 1
source = "example"
date = 2026-01-31
)";

TEST(Prices, AreFoundWithSourceAndDate) {
  const PriceList list(kPrices, "prices.toml");
  const MachinePrice& price = list.find("small", "on_demand");
  EXPECT_DOUBLE_EQ(price.per_hour, 0.1);
  EXPECT_EQ(price.currency, "EUR");
  EXPECT_EQ(price.source, "example");
  EXPECT_EQ(price.date, "2026-01-31");
  EXPECT_DOUBLE_EQ(list.find("small", "spot").per_hour, 1);
  EXPECT_THAT(error_of([&] { list.find("large", "spot"); }), HasSubstr("no machine 'large'; it has small"));
  EXPECT_THAT(error_of([&] { list.find("small", "reserved"); }), HasSubstr("it has on_demand, spot"));
}

TEST(Prices, RefuseWhatIsWrongOrHasNoSource) {
  const auto error = [](const std::string& toml) { return error_of([&] { PriceList(toml, "prices.toml"); }); };
  const std::string head = "currency = \"EUR\"\n[machines.small]\n", tail = "source = \"s\"\ndate = \"2026\"\n";
  EXPECT_THAT(error("currency = "), HasSubstr("'prices.toml', line 1"));
  EXPECT_THAT(error("currency = \"EUR\""), HasSubstr("no [machines.NAME]"));
  EXPECT_THAT(error("[machines.small]\non_demand = 1\n" + tail), HasSubstr("'currency' is missing"));
  EXPECT_THAT(error(head + "on_demand = -1\n" + tail), HasSubstr("machine 'small': 'on_demand' must be a price"));
  EXPECT_THAT(error(head + "on_demand = \"1\"\n" + tail), HasSubstr("must be a price"));
  EXPECT_THAT(error(head + "on_demand = nan\n" + tail), HasSubstr("must be a price"));
  EXPECT_THAT(error(head + "on_demand = 1\nsource = \"s\"\n"), HasSubstr("'date' is missing"));
  EXPECT_THAT(error(head + "on-demand = 1\n" + tail), HasSubstr("unknown key 'on-demand'"));
  EXPECT_THAT(error(head + tail), HasSubstr("there is no price"));
}

constexpr const char* kBench =
    R"({"contexts": 2, "median_ms": 40.5, "executions_per_s": 49.3, "items_per_s": 394.4, "threads": 1})";
constexpr const char* kPeers = R"({"rows": [
  {"model": "m", "batch": 1, "columns": {"ONNX Runtime FP32": {"median_ms": 10}, "Burnish FP32": {"median_ms": 8}}},
  {"model": "m", "batch": 8, "columns": {"ONNX Runtime FP32": {"median_ms": 70}}},
  {"model": "n", "batch": 1, "columns": {"ONNX Runtime FP32": {"median_ms": 3}}}]})";

TEST(Measurements, OfBench) {
  const auto found = read_measurements(kBench, "b8.json", "");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].batch, 8);
  EXPECT_EQ(found[0].lanes, 2);
  EXPECT_DOUBLE_EQ(found[0].seconds, 0.0405);
  EXPECT_EQ(found[0].origin, "b8.json");
}

TEST(Measurements, OfPeers) {
  const auto found = read_measurements(kPeers, "peers.json", "m/ONNX Runtime FP32");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_DOUBLE_EQ(found[1].seconds, 0.070);
  EXPECT_EQ(found[1].batch, 8);
  EXPECT_THAT(error_of([] { read_measurements(kPeers, "peers.json", ""); }),
              HasSubstr("append which: peers.json#MODEL/COLUMN, of m/Burnish FP32; m/ONNX Runtime FP32; n/ONNX"));
}

TEST(Measurements, TypedIn) {
  EXPECT_EQ(typed_measurement("8:55ms").batch, 8);
  EXPECT_DOUBLE_EQ(typed_measurement("8:55ms").seconds, 0.055);
  for (const char* text : {"55ms", "0:55ms", "-1:5ms", "x:5ms", "8"}) {
    EXPECT_THAT(error_of([&] { typed_measurement(text); }), HasSubstr("BATCH:TIME")) << text;
  }
  EXPECT_THAT(error_of([] { typed_measurement("8:55"); }), HasSubstr("no unit"));
}

TEST(Measurements, RefuseOtherFiles) {
  for (const char* text : {"", "[]", "{", "7", "{}", R"({"contexts": "2"})", R"({"rows": 5})", R"({"rows": [3]})",
                           R"({"rows": [{"model": 3, "columns": {}}]})",
                           R"({"contexts": 1, "median_ms": -4, "executions_per_s": 1, "items_per_s": 1})",
                           R"({"contexts": 1, "median_ms": 4, "executions_per_s": 0, "items_per_s": 1})",
                           R"({"contexts": 1, "median_ms": 4, "executions_per_s": 2, "items_per_s": 3})"}) {
    EXPECT_THAT(error_of([&] { read_measurements(text, "x.json", "m/c"); }), HasSubstr("'x.json'")) << text;
  }
}

TEST(Measurements, MustFitTogether) {
  EXPECT_THAT(error_of([] {
                instance_of({{1, 0.01, 1, "a"}, {1, 0.02, 1, "b"}});
              }),
              HasSubstr("batch 1 is given twice"));
  EXPECT_THAT(error_of([] { instance_of({{1, 0.01, 1, "a"}, {8, 0.02, 2, "b"}}); }), HasSubstr("the same --contexts"));
  EXPECT_EQ(instance_of({{1, 0.01, 2, "a"}, {8, 0.02, 2, "b"}}).lanes, 2);
}

}  // namespace
}  // namespace burnish::cost
