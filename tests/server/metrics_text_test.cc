#include "server/metrics_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "observed.h"

namespace burnish::server {
namespace {

using ::testing::HasSubstr;
using testing::kMs;

Snapshot busy_snapshot() {
  Snapshot snapshot;
  snapshot.ready = true;
  VersionState state = testing::version_state(
      {.requests = 100, .executions = 40, .queue_ns = kMs, .compute_ns = 3 * kMs, .busy = 0.5, .instances = 2});
  state.pending = 3;
  state.rejections.queue_full = 2;
  state.rejections.cancelled = 1;
  state.statistics.fail = {5, 0};
  state.statistics.batches = {{1, {}, {10, 0}, {}, {}}, {3, {}, {30, 0}, {}, {}}};
  snapshot.models.push_back(testing::ready_model("m", state));
  snapshot.models.push_back({{"gone \"x\"\n", "2", "UNAVAILABLE", "unloaded"}, {}});
  return snapshot;
}

TEST(Metrics, TritonsNames) {
  const std::string text = metrics_text(busy_snapshot());
  for (const char* line : {"nv_inference_request_success{model=\"m\",version=\"1\"} 100\n",
                           "nv_inference_request_failure{model=\"m\",version=\"1\",reason=\"REJECTED\"} 2\n",
                           "nv_inference_request_failure{model=\"m\",version=\"1\",reason=\"CANCELED\"} 1\n",
                           "nv_inference_request_failure{model=\"m\",version=\"1\",reason=\"BACKEND\"} 2\n",
                           "nv_inference_count{model=\"m\",version=\"1\"} 100\n",
                           "nv_inference_exec_count{model=\"m\",version=\"1\"} 40\n",
                           "nv_inference_request_duration_us{model=\"m\",version=\"1\"} 400000\n",
                           "nv_inference_queue_duration_us{model=\"m\",version=\"1\"} 100000\n",
                           "nv_inference_pending_request_count{model=\"m\",version=\"1\"} 3\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(Metrics, GpusThatTell) {
  Snapshot snapshot;
  EXPECT_THAT(metrics_text(snapshot), ::testing::Not(HasSubstr("nv_gpu")));
  snapshot.gpus.resize(2);
  snapshot.gpus[0].uuid = "GPU-0";
  snapshot.gpus[0].utilization = 0.25;
  snapshot.gpus[1].uuid = "GPU-1";
  snapshot.gpus[1].memory_used_bytes = 1536;
  const std::string text = metrics_text(snapshot);
  EXPECT_THAT(text, HasSubstr("nv_gpu_utilization{gpu_uuid=\"GPU-0\"} 0.25\n# HELP"));
  EXPECT_THAT(text, HasSubstr("nv_gpu_memory_used_bytes{gpu_uuid=\"GPU-1\"} 1536\n# HELP"));
}

TEST(Metrics, LatenciesBatchesAndInstances) {
  const std::string text = metrics_text(busy_snapshot());
  for (const char* line : {"burnish_queue_duration_seconds_bucket{model=\"m\",version=\"1\",le=\"0.0005\"} 0\n",
                           "burnish_queue_duration_seconds_bucket{model=\"m\",version=\"1\",le=\"0.002\"} 100\n",
                           "burnish_request_duration_seconds_count{model=\"m\",version=\"1\"} 100\n",
                           "burnish_request_duration_seconds_sum{model=\"m\",version=\"1\"} 0.4\n",
                           "nv_inference_request_summary_us{model=\"m\",version=\"1\",quantile=\"0.99\"} 4000\n",
                           "burnish_batch_size_bucket{model=\"m\",version=\"1\",le=\"2\"} 10\n",
                           "burnish_batch_size_bucket{model=\"m\",version=\"1\",le=\"4\"} 40\n",
                           "burnish_batch_size_sum{model=\"m\",version=\"1\"} 100\n",
                           "burnish_instance_utilization{model=\"m\",version=\"1\",instance=\"m_1\"} 0.5\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

/// By the rules of Prometheus' text format: what each line may be, types before samples, each name once.
TEST(Metrics, TheFormatIsPrometheus) {
  const std::string text = metrics_text(busy_snapshot());
  const std::regex sample(
      R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-z_]+="([^"\\\n]|\\["\\n])*"(,[a-z_]+="([^"\\\n]|\\["\\n])*")*\})? [0-9.e+-]+)re");
  const std::regex comment(R"re(# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) .+)re");
  std::istringstream lines(text);
  std::set<std::string> typed;
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, comment)) {
      if (match[1] != "TYPE") continue;
      EXPECT_TRUE(typed.insert(family = match[2]).second) << line;
      continue;
    }
    ASSERT_TRUE(std::regex_match(line, match, sample)) << line;
    EXPECT_EQ(match[1].str().rfind(family, 0), 0) << line;
  }
  EXPECT_GT(typed.size(), 20);
}

TEST(Metrics, ModelsThatAreNotLoadedAreNotReady) {
  const std::string text = metrics_text(busy_snapshot());
  EXPECT_THAT(text, HasSubstr("burnish_model_ready{model=\"gone \\\"x\\\"\\n\",version=\"2\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("burnish_model_ready{model=\"m\",version=\"1\"} 1\n"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("nv_inference_count{model=\"gone")));
}

}  // namespace
}  // namespace burnish::server
