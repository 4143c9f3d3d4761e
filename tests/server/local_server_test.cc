#include "server/local_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <future>
#include <thread>

#include "engine/engine_file.h"
#include "runtime/engine_impl.h"
#include "server/folder.h"
#include "server/server_case.h"

namespace burnish::server {
namespace {

using ::testing::HasSubstr;

class LocalServerTest : public ::testing::Test {
 protected:
  /// x [batch,16] → y = 3·x, as REPOSITORY/<model>/<version>/model.engine.
  void put(const std::string& model, int version, int64_t max_batch = 8) const {
    const std::string name = fmt::format("{}/{}/model.engine", model, version);
    folder.write(name, "");
    write_engine(testing::affine_engine(max_batch).impl()->data, fmt::format("{}/{}", folder.path(), name));
  }

  LocalServer& start(LocalServerOptions options = {}) {
    options.repository.roots = {folder.path()};
    server_ = std::make_unique<LocalServer>(std::move(options));
    server_->start();
    return *server_;
  }

  InferResponse ask(const std::string& model, float x, const std::string& version = {},
                    const std::string& input = "x") const {
    const auto data = std::make_shared<std::vector<float>>(16, x);
    InferRequest request;
    request.model = model;
    request.version = version;
    request.inputs.push_back(
        {input, DataType::kFloat32, {1, 16}, {reinterpret_cast<std::byte*>(data->data()), 64, data}});
    std::promise<InferResponse> answer;
    server_->infer(std::move(request), [&](InferResponse&& response) { answer.set_value(std::move(response)); });
    return answer.get_future().get();
  }
  static float value_of(const InferResponse& response) {
    float value = 0;
    if (!response.outputs.empty()) std::memcpy(&value, response.outputs[0].data.data, sizeof(value));
    return value;
  }

  TestFolder folder;

 private:
  std::unique_ptr<LocalServer> server_;
};

TEST_F(LocalServerTest, ServesEnginesFromDisk) {
  put("a", 1);
  put("a", 2, 4);
  folder.write("a/config.json", R"({"version_policy": {"all": {}}})");
  LocalServer& server = start();
  EXPECT_TRUE(server.is_ready());
  const InferResponse response = ask("a", 5);
  ASSERT_TRUE(response.status.ok()) << response.status.message;
  EXPECT_EQ(value_of(response), 15);
  EXPECT_EQ(response.version, "2");
  EXPECT_EQ(ask("a", 5, "1").version, "1");
  ModelMetadata metadata;
  ASSERT_TRUE(server.model_metadata("a", "", metadata).ok());
  EXPECT_THAT(metadata.versions, ::testing::ElementsAre("1", "2"));
  std::string config;
  ASSERT_TRUE(server.model_config("a", "2", config).ok());
  EXPECT_THAT(config, HasSubstr("\"max_batch_size\":4"));
  std::vector<ModelStatistics> statistics;
  ASSERT_TRUE(server.statistics("", "", statistics).ok());
  EXPECT_EQ(statistics.size(), 2U);
}

TEST_F(LocalServerTest, NamesWhatIsNotThere) {
  put("a", 1);
  LocalServer& server = start();
  EXPECT_EQ(ask("b", 1).status.code, StatusCode::kNotFound);
  EXPECT_EQ(ask("a", 1, "7").status.code, StatusCode::kNotFound);
  std::vector<ModelStatistics> statistics;
  EXPECT_EQ(server.statistics("b", "", statistics).code, StatusCode::kNotFound);
  Settings settings;
  EXPECT_EQ(server.trace_settings("b", {}, settings).code, StatusCode::kNotFound);
}

TEST_F(LocalServerTest, EnsemblesOfEngines) {
  put("a", 1);
  folder.write("both/config.pbtxt", R"(platform: "ensemble" ensemble_scheduling {
      step { model_name: "a" input_map { key: "x" value: "in" } output_map { key: "y" value: "mid" } }
      step { model_name: "a" input_map { key: "x" value: "mid" } output_map { key: "y" value: "out" } } })");
  start();
  const InferResponse response = ask("both", 2, {}, "in");
  ASSERT_TRUE(response.status.ok()) << response.status.message;
  EXPECT_EQ(value_of(response), 18);
  EXPECT_THAT(ask("both", 2).status.message, HasSubstr("input 'x'"));
}

TEST_F(LocalServerTest, MetricsAndLiveStateKnowEveryModel) {
  put("a", 1);
  folder.write("b/1/model.engine", "damaged");
  LocalServer& server = start();
  EXPECT_FALSE(server.is_ready());
  ask("a", 1);
  EXPECT_THAT(server.metrics(), HasSubstr("nv_inference_request_success{model=\"a\",version=\"1\"} 1"));
  EXPECT_THAT(server.live_state(), HasSubstr("\"UNAVAILABLE\""));
}

TEST_F(LocalServerTest, AfterTheEndRequestsAreRefused) {
  put("a", 1);
  LocalServer& server = start();
  server.announce_end();
  EXPECT_FALSE(server.is_ready());
  EXPECT_TRUE(ask("a", 1).status.ok());
  server.stop(Clock::now() + std::chrono::seconds(10));
  EXPECT_EQ(ask("a", 1).status.code, StatusCode::kUnavailable);
  EXPECT_EQ(server.load_model("a", "").code, StatusCode::kUnavailable);
}

// Short, for the sanitizers: tests/serve/soak.py is the long form.
TEST_F(LocalServerTest, EveryRequestIsAnsweredRightWhileModelsChange) {
  put("steady", 1);
  put("fleeting", 1);
  LocalServerOptions options;
  options.repository.loads_on_request = true;
  options.repository.startup_models = {"steady"};
  LocalServer& server = start(std::move(options));
  std::atomic<bool> end{false};
  std::atomic<int> answers{0}, wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; !end; ++i) {
        const auto x = static_cast<float>(i % 100);
        const InferResponse steady = ask("steady", x);
        wrong += !steady.status.ok() || value_of(steady) != 3 * x;
        const InferResponse fleeting = ask("fleeting", x);
        wrong += fleeting.status.ok() && value_of(fleeting) != 3 * x;
        answers += t == 0 ? 1 : 0;
      }
    });
  }
  threads.emplace_back([&] {
    while (!end) {
      server.metrics();
      server.live_state();
      server.repository_index(false);
    }
  });
  for (int round = 0; round < 15; ++round) {
    put("steady", 1 + round % 2, 4 + round);
    EXPECT_TRUE(server.load_model("steady", "").ok());
    EXPECT_TRUE(server.load_model("fleeting", "").ok());
    EXPECT_TRUE(server.unload_model("fleeting", false).ok());
  }
  while (answers < 20) std::this_thread::yield();
  end = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace burnish::server
