// --traffic: files of observed shapes, the profiles chosen for them, and what is reported.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "builder/builder_case.h"
#include "builder/profiles.h"
#include "builder/traffic_profiles.h"
#include "builder/traffic_report.h"
#include "ir/text.h"

namespace burnish {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

Graph text_model() {
  Graph graph = parse_graph("graph \"m\" {\ninput %ids: int64[batch,seq]\ninput %x: float32[batch,3]\n}");
  graph.infer();
  return graph;
}

const char* const kGeneral = "ids=1x8:1x128:32x512,x=1x3:1x3:32x3";

/// The candidates for a file, with its executions as weights.
std::vector<std::string> profiles_for(const std::string& json, size_t most, const char* general = kGeneral) {
  const Graph graph = text_model();
  const OptimizationProfile profile = resolve_profile(graph, parse_profile(general));
  const TrafficPoints traffic = traffic_points(graph, profile, parse_observed_shapes(json, "t.json"));
  std::vector<double> weights;
  for (const TrafficPoint& point : traffic.points) weights.push_back(point.executions);
  std::vector<std::string> texts;
  for (const auto& chosen : candidate_profiles(graph, profile, traffic, weights, most))
    texts.push_back(to_string(chosen));
  return texts;
}

TEST(ObservedShapesTest, CountsAndStatisticsAreRead) {
  const auto counted = parse_observed_shapes(
      R"({"batches": {"4": 900, "1": 100, "2": 0}, "dimensions": {"seq": {"128": 7}}})", "t.json");
  EXPECT_THAT(counted.batches, ElementsAre(Pair(1, 100), Pair(4, 900)));
  EXPECT_THAT(counted.dimensions, ElementsAre(Pair("seq", ElementsAre(Pair(128, 7)))));
  // As Burnish and Triton answer them, and as protobuf's JSON writes 64 bits. Versions are added up.
  const auto served = parse_observed_shapes(
      R"({"model_stats": [
            {"name": "m", "version": "1", "batch_stats": [{"batch_size": 4, "compute_infer": {"count": 5, "ns": 9}}]},
            {"name": "m", "version": "2", "batch_stats": [{"batch_size": "4", "compute_infer": {"count": "6"}},
                                                          {"batch_size": 8, "compute_infer": {"count": 0}}]}]})",
      "t.json");
  EXPECT_THAT(served.batches, ElementsAre(Pair(4, 11)));
}

struct BadTraffic {
  const char* json;
  const char* reason;
};
class BadTrafficFile : public testing::TestWithParam<BadTraffic> {};

TEST_P(BadTrafficFile, IsRefusedWithCulpritAndReason) {
  EXPECT_THAT(failure_of([] { profiles_for(GetParam().json, 3); }),
              AllOf(HasSubstr("invalid_argument"), HasSubstr("t.json"), HasSubstr(GetParam().reason)));
}

INSTANTIATE_TEST_SUITE_P(
    , BadTrafficFile,
    testing::Values(
        BadTraffic{"", "cannot be read"}, BadTraffic{"{\"batches\": {\"4\": 900", "cannot be read"},
        BadTraffic{"[4, 4, 4]", "no JSON object"}, BadTraffic{"{}", "it counts nothing"},
        BadTraffic{R"({"batch": {"4": 1}})", "'batch' is neither"},
        BadTraffic{R"({"batches": [4]})", "'batches' is no object"},
        BadTraffic{R"({"dimensions": 4})", "'dimensions' is neither"},
        BadTraffic{R"({"batches": {"4": -1}})", "'4', is -1, not a whole number from 0"},
        BadTraffic{R"({"batches": {"4": 1.5}})", "is 1.5, not a whole number"},
        BadTraffic{R"({"batches": {"4": 1e30}})", "is 1e+30, not a whole number"},
        BadTraffic{R"({"batches": {"4": 18446744073709551615}})", "not a whole number"},
        BadTraffic{R"({"batches": {"4": null}})", "is null, not a whole number"},
        BadTraffic{R"({"batches": {"four": 1}})", "is \"four\", not a whole number from 1"},
        BadTraffic{R"({"batches": {"0": 1}})", "is \"0\", not a whole number from 1"},
        BadTraffic{R"({"batches": {"-4": 1}})", "not a whole number from 1"},
        BadTraffic{R"({"batches": {"4": 0}})", "no execution at all"},
        BadTraffic{R"({"batches": {}})", "no execution at all"},
        BadTraffic{R"({"batches": {"64": 7}})", "has 64 (7 executions), but the engine is built for 1 to 32"},
        BadTraffic{R"({"batches": {"64": 7}})", "--profile \"ids=1x8:1x128:64x512,x=1x3:1x3:64x3\""},
        BadTraffic{R"({"dimensions": {"width": {"4": 1}}})", "no free dimension 'width'; free are: batch, seq"},
        BadTraffic{R"({"batches": {"4": 1}, "dimensions": {"batch": {"4": 1}}})", "are the same dimension"},
        BadTraffic{R"({"model_stats": [{"name": "a"}]})", "batch_stats count no execution"},
        BadTraffic{R"({"model_stats": [{"name": "a"}, {"name": "b"}]})", "2 models (a, b)"},
        BadTraffic{R"({"model_stats": [{"name": "a", "batch_stats": [{"batch_size": 4}]}]})", "cannot be read"},
        BadTraffic{R"({"model_stats": [4]})", "cannot be read"}));

TEST(TrafficProfilesTest, TheUsualBatchGetsAProfileOfItsOwn) {
  EXPECT_THAT(profiles_for(R"({"batches": {"4": 900, "1": 100}})", 1), ElementsAre("ids=4x8:4x128:4x512,x=4x3"));
  // With room for it, batch 1 does, too, although the general profile is tuned for it.
  EXPECT_THAT(profiles_for(R"({"batches": {"4": 900, "1": 100}})", 3),
              ElementsAre("ids=4x8:4x128:4x512,x=4x3", "ids=1x8:1x128:1x512,x=1x3"));
}

TEST(TrafficProfilesTest, NearSizesMayShareAProfile) {
  EXPECT_THAT(profiles_for(R"({"batches": {"14": 10, "15": 20, "16": 70, "2": 50}})", 2),
              ElementsAre("ids=16x8:16x128:16x512,x=16x3", "ids=14x8:16x128:16x512,x=14x3:16x3:16x3",
                          "ids=2x8:2x128:2x512,x=2x3"));
}

TEST(TrafficProfilesTest, OtherDimensionsMultiply) {
  EXPECT_THAT(profiles_for(R"({"batches": {"8": 9, "1": 1}, "dimensions": {"seq": {"64": 8, "512": 2}}})", 2),
              ElementsAre("ids=8x64,x=8x3", "ids=8x512,x=8x3"));
}

TEST(TrafficProfilesTest, WhatTheGeneralProfileIsAlreadyIsNotAdded) {
  const char* fixed = "ids=4x8:4x128:4x512,x=4x3";
  EXPECT_THAT(profiles_for(R"({"batches": {"4": 900}})", 3, fixed), IsEmpty());
}

TEST(TrafficProfilesTest, TooManyCombinationsAreRefused) {
  std::string lengths, batches;
  for (int i = 8; i <= 512; ++i) lengths += fmt::format("{}\"{}\": 1", i > 8 ? "," : "", i);
  Graph graph = parse_graph("graph \"m\" {\ninput %a: float32[n,w]\n}");
  for (int i = 1; i <= 512; ++i) batches += fmt::format("{}\"{}\": 1", i > 1 ? "," : "", i);
  const std::string json = fmt::format(R"({{"batches": {{{}}}, "dimensions": {{"w": {{{}}}}}}})", batches, lengths);
  graph.infer();
  EXPECT_THAT(failure_of([&] {
                traffic_points(graph, resolve_profile(graph, parse_profile("a=1x1:1x1:512x512")),
                               parse_observed_shapes(json, "t.json"));
              }),
              AllOf(HasSubstr("more than 100000 combinations"), HasSubstr("dimension 'w'")));
}

TEST(TrafficReportTest, SharesAndGainsAreWeightedByExecutions) {
  const Graph graph = text_model();
  const auto general = resolve_profile(graph, parse_profile(kGeneral));
  const auto four = resolve_profile(graph, parse_profile("ids=4x8:4x128:4x512,x=4x3"));
  const TrafficPoints traffic =
      traffic_points(graph, general, parse_observed_shapes(R"({"batches": {"4": 900, "1": 100}})", "t.json"));
  TrafficReport report;
  report.file = "t.json";
  const std::vector<PointTiming> timings = {{2000, 1500, 1}, {1000, 1000, 0}};  // batch 4, batch 1
  report.rows = traffic_rows({general, four}, traffic, timings);
  report.least_gain = 0.02;
  report.left_out = {{resolve_profile(graph, parse_profile("ids=1x8:1x128:1x512,x=1x3")), 100, 100'000, 99'000}};
  const auto json = nlohmann::json::parse(traffic_json(report, traffic, timings));
  EXPECT_DOUBLE_EQ(json["profiles"][1]["executions_share"], 0.9);
  EXPECT_DOUBLE_EQ(json["profiles"][1]["gain"], 0.25);
  EXPECT_DOUBLE_EQ(json["profiles"][0]["gain"], 0);
  EXPECT_DOUBLE_EQ(json["general_ms"], 1.9);
  EXPECT_DOUBLE_EQ(json["ms"], 1.45);
  EXPECT_DOUBLE_EQ(json["timed_share"], 1);
  EXPECT_EQ(json["shapes"][0]["shapes"]["x"], (std::vector<int>{4, 3}));
  EXPECT_THAT(traffic_summary(report, traffic),
              AllOf(HasSubstr("90.0 %       2.000       1.500   25.0 %"),
                    HasSubstr("left out: ids=1x8:1x128:1x512,x=1x3 gained 1.0 % over 10.0 %"),
                    HasSubstr("1.450 ms an execution instead of 1.900 ms, 23.7 % less time")));
}

}  // namespace
}  // namespace burnish
