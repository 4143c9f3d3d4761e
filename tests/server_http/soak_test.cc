// Mixed load on a server whose models come, change and go, short, for the sanitizers: tests/serve/soak.py is the long
// form, with Triton's clients.
#include <atomic>
#include <random>
#include <thread>

#include "engine/engine_file.h"
#include "runtime/plan_builder.h"
#include "server/folder.h"
#include "server/local_server.h"
#include "server_http/http_client.h"
#include "server_http/http_server.h"

namespace burnish::server {
namespace {

using testing::HttpAnswer;
using testing::HttpClient;

constexpr const char* kSteady = "/v2/models/steady/infer";

class Soak : public ::testing::Test {
 protected:
  Soak() {
    for (const char* model : {"steady", "fleeting"}) put(model, 1, 8);
    folder_.write("steady/config.json", R"({"dynamic_batching": {"max_queue_delay_microseconds": 200}})");
    LocalServerOptions options;
    options.repository.roots = {folder_.path()};
    options.repository.loads_on_request = true;
    options.repository.startup_models = {"steady"};
    local_ = std::make_unique<LocalServer>(std::move(options));
    local_->start();
    HttpOptions http;
    http.port = 0;
    http.threads = 2;
    http_ = std::make_unique<HttpServer>(*local_, http);
    http_->start();
  }
  ~Soak() override { http_->stop(Clock::now() + std::chrono::seconds(10)); }

  /// x [batch,4] → y = x + x.
  void put(const std::string& model, int version, int64_t max_batch) const {
    burnish::testing::PlanBuilder b;
    const Dim batch = Dim::symbol("batch");
    const auto x = b.input("x", DType::kFloat32, {batch, 4}), y = b.value("y", DType::kFloat32, {batch, 4});
    b.step("Add", {x, x}, {y});
    b.output("y", y);
    b.profile("x", Shape{1, 4}, Shape{max_batch, 4}, Shape{max_batch, 4});
    const std::string file = fmt::format("{}/{}/model.engine", model, version);
    folder_.write(file, "");
    write_engine(b.build(), fmt::format("{}/{}", folder_.path(), file));
  }

  static std::string request(int x) {
    return fmt::format(R"({{"inputs":[{{"name":"x","datatype":"FP32","shape":[1,4],"data":[{0},{0},{0},{0}]}}]}})", x);
  }
  static bool is_right(const HttpAnswer& answer, int x) {
    return answer.status == 200 && answer.body.find(fmt::format("[{0},{0},{0},{0}]", 2 * x)) != std::string::npos;
  }

  // Each returns whether all is well.
  bool ask(HttpClient& client, int x) const {
    const bool steady = is_right(client.post(kSteady, request(x)), x);
    const HttpAnswer fleeting = client.post("/v2/models/fleeting/infer", request(x));
    return steady && (is_right(fleeting, x) || fleeting.status == 404 || fleeting.status == 503);
  }
  bool vanish(int x) const {
    HttpClient client(http_->port());
    const std::string text = HttpClient::post_text(kSteady, request(x));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return client.send(text.substr(0, static_cast<size_t>(x) % text.size()));
  }
  bool dawdle(int x) const {
    HttpClient client(http_->port());
    const std::string text = HttpClient::post_text(kSteady, request(x));
    for (size_t at = 0; at < text.size(); at += 40) {
      client.send(text.substr(at, 40));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return is_right(client.receive(), x);
  }
  bool send_rubbish(int x) const {
    std::string junk = request(x);
    std::mt19937 random(static_cast<uint32_t>(x));
    for (int i = 0; i < 5; ++i) junk[random() % junk.size()] = static_cast<char>(random() % 256);
    HttpClient client(http_->port());
    const int status = client.post(kSteady, junk).status;
    return status == 200 || status == 400;  // some changes are none
  }
  bool watch(HttpClient& client) const {
    return client.get("/metrics").status == 200 && client.get("/v2/live_state").status == 200 &&
           client.post("/v2/repository/index", "{}").status == 200;
  }
  /// Calls work(0), work(1), … on a thread of its own until the end.
  template <typename Work>
  void go_on(const Work& work) {
    threads_.emplace_back([this, work] {
      HttpClient client(http_->port());
      ++started_;
      for (int i = 0; !end_; ++i) problems_ += work(client, i % 1000) ? 0 : 1;
    });
  }
  void manage(HttpClient& client, const char* what) const {
    EXPECT_EQ(client.post(fmt::format("/v2/repository/models/{}", what), "{}").status, 200) << what;
  }

  TestFolder folder_;
  std::unique_ptr<LocalServer> local_;
  std::unique_ptr<HttpServer> http_;
  std::vector<std::thread> threads_;
  std::atomic<bool> end_{false};
  std::atomic<size_t> started_{0}, problems_{0};
};

TEST_F(Soak, EveryAnswerIsRightWhileModelsChange) {
  for (int i = 0; i < 2; ++i) go_on([this](HttpClient& client, int x) { return ask(client, x); });
  go_on([this](HttpClient&, int x) { return vanish(x); });
  go_on([this](HttpClient&, int x) { return dawdle(x); });
  go_on([this](HttpClient&, int x) { return send_rubbish(x); });
  go_on([this](HttpClient& client, int) { return watch(client); });
  HttpClient manager(http_->port());
  while (started_ < threads_.size()) std::this_thread::yield();
  for (int round = 0; round < 12; ++round) {
    put("steady", 1 + round % 2, 4 + round);
    manage(manager, "steady/load");
    manage(manager, "fleeting/load");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    manage(manager, "fleeting/unload");
  }
  end_ = true;
  for (std::thread& thread : threads_) thread.join();
  EXPECT_EQ(problems_, 0U);
  std::vector<ModelStatistics> statistics;
  ASSERT_TRUE(local_->statistics("steady", "", statistics).ok());
  EXPECT_GT(statistics.back().success.count, 0U);
}

}  // namespace
}  // namespace burnish::server
