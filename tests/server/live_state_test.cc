#include "server/live_state.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "observed.h"

namespace burnish::server {
namespace {

using testing::kMs;

TEST(LiveState, HasTheFormThatThePageReads) {
  Snapshot snapshot;
  snapshot.version = "1.2.3";
  snapshot.ready = true;
  snapshot.uptime_us = 5;
  VersionState state =
      testing::version_state({.requests = 100, .executions = 90, .queue_ns = kMs, .compute_ns = 3 * kMs, .busy = 0.1});
  state.statistics.fail = {3, 0};
  state.rejections.queue_full = 2;
  state.pending = 4;
  state.statistics.batches = {{2, {}, {7, 0}, {}, {}}};
  state.instances[0].cores = {0, 1};
  state.instances[0].threads = 2;
  state.instances.push_back(state.instances[0]);
  state.instances[1].gpu = 3;
  snapshot.models.push_back(testing::ready_model("m", state));
  snapshot.models.push_back({{"broken", "", "UNAVAILABLE", "bytes that are not UTF-8: \xff"}, {}});
  Advisor advisor;
  const auto json = nlohmann::json::parse(live_state_json(snapshot, advisor, {}));
  EXPECT_EQ(json["version"], "1.2.3");
  EXPECT_EQ(json["ready"], true);
  EXPECT_EQ(json["uptime_us"], 5);
  const auto& model = json["models"][0];
  EXPECT_EQ(model["state"], "READY");
  EXPECT_EQ(model["requests"], 103);
  EXPECT_EQ(model["failures"], 3);
  EXPECT_EQ(model["rejected"], 2);
  EXPECT_EQ(model["queue_depth"], 4);
  EXPECT_EQ(model["latency_us"]["total"]["p99"], 4000);
  EXPECT_EQ(model["batch_sizes"][0]["size"], 2);
  EXPECT_EQ(model["batch_sizes"][0]["count"], 7);
  EXPECT_EQ(model["instances"][0]["device"], "CPU 0 1, 2 threads");
  EXPECT_EQ(model["instances"][0]["busy_us"], 1000000);
  EXPECT_EQ(model["instances"][1]["device"], "GPU 3");
  EXPECT_EQ(model["advice"].size(), 2) << model["advice"];
  EXPECT_EQ(json["models"][1]["state"], "UNAVAILABLE");
  EXPECT_FALSE(json["models"][1].contains("requests"));
  EXPECT_EQ(json["advice"].size(), 1);
}

}  // namespace
}  // namespace burnish::server
