#include <gmock/gmock.h>

#include "server_http/server_case.h"

namespace burnish::server::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class EndpointsTest : public ServerCase {
 protected:
  void SetUp() override {
    start();
    client = std::make_unique<HttpClient>(http->port());
  }
  std::string get(const std::string& target) { return client->get(target).body; }
  std::string post(const std::string& target, const std::string& body) { return client->post(target, body).body; }

  std::unique_ptr<HttpClient> client;
};

TEST_F(EndpointsTest, Statistics) {
  const std::string none = R"({"count":0,"ns":0})";
  const std::string expected =
      R"({"model_stats":[{"name":"identity","version":"1","last_inference":1700000000000,"inference_count":7,)"
      R"("execution_count":3,"inference_stats":{"success":{"count":7,"ns":7000},"fail":)" +
      none + R"(,"queue":)" + none + R"(,"compute_input":)" + none + R"(,"compute_infer":)" + none +
      R"(,"compute_output":)" + none + R"(,"cache_hit":)" + none + R"(,"cache_miss":)" + none +
      R"(},"batch_stats":[{"batch_size":2,"compute_input":{"count":3,"ns":30},"compute_infer":{"count":3,"ns":300},)"
      R"("compute_output":{"count":3,"ns":33},"busy":{"count":3,"ns":400}}]}]})";
  EXPECT_EQ(get("/v2/models/stats"), expected);
  EXPECT_EQ(get("/v2/models/identity/versions/1/stats"), expected);
  EXPECT_EQ(client->get("/v2/models/absent/stats").status, 404);
}

TEST_F(EndpointsTest, Repository) {
  EXPECT_EQ(post("/v2/repository/index", R"({"ready":true})"),
            R"([{"name":"identity","version":"1","state":"READY","reason":""}])");
  EXPECT_THAT(post("/v2/repository/index", ""), HasSubstr(R"("state":"UNAVAILABLE","reason":"unloaded")"));
  post("/v2/repository/models/identity/load", "");
  post("/v2/repository/models/identity/load", R"({"parameters":{"config":"{\"name\":\"identity\"}"}})");
  post("/v2/repository/models/identity/unload", R"({"parameters":{"unload_dependents":true}})");
  post("/v2/repository/models/identity/unload", "");
  EXPECT_THAT(fake.calls(), ElementsAre("load identity ", R"(load identity {"name":"identity"})",
                                        "unload identity with dependents", "unload identity"));
  const HttpAnswer files =
      client->post("/v2/repository/models/identity/load", R"({"parameters":{"file:1/model.onnx":"AAAA"}})");
  EXPECT_EQ(files.status, 501);
  EXPECT_THAT(files.body, HasSubstr("file:1/model.onnx"));
}

TEST_F(EndpointsTest, TraceSettings) {
  EXPECT_EQ(get("/v2/trace/setting"), R"({"trace_level":["OFF"],"trace_rate":"1000","trace_count":"-1"})");
  EXPECT_EQ(post("/v2/models/identity/trace/setting", R"({"trace_level":["TIMESTAMPS","TENSORS"],"trace_rate":"5"})"),
            R"({"trace_level":["TIMESTAMPS","TENSORS"],"trace_rate":"5","trace_count":"-1"})");
  EXPECT_THAT(fake.calls(), ElementsAre("trace ", "trace identity"));
}

TEST_F(EndpointsTest, LogSettings) {
  EXPECT_EQ(get("/v2/logging"), R"({"log_info":true,"log_verbose_level":0,"log_format":"default"})");
  EXPECT_EQ(post("/v2/logging", R"({"log_info":false,"log_verbose_level":2,"log_format":"ISO8601"})"),
            R"({"log_info":false,"log_verbose_level":2,"log_format":"ISO8601"})");
}

TEST_F(EndpointsTest, SharedMemory) {
  EXPECT_EQ(
      client->post("/v2/systemsharedmemory/region/a/register", R"({"key":"/a","offset":8,"byte_size":16})").status,
      200);
  EXPECT_EQ(client->post("/v2/systemsharedmemory/region/a/register", R"({"key":"/a","byte_size":16})").status, 400);
  EXPECT_EQ(client->post("/v2/systemsharedmemory/region/b/register", R"({"key":"/b","byte_size":32})").status, 200);
  const std::string a = R"({"name":"a","key":"/a","offset":8,"byte_size":16})";
  EXPECT_EQ(get("/v2/systemsharedmemory/region/a/status"), "[" + a + "]");
  EXPECT_EQ(get("/v2/systemsharedmemory/status"), "[" + a + R"(,{"name":"b","key":"/b","offset":0,"byte_size":32}])");
  EXPECT_EQ(client->post("/v2/systemsharedmemory/region/a/unregister", "").status, 200);
  EXPECT_EQ(client->get("/v2/systemsharedmemory/region/a/status").status, 404);
  EXPECT_EQ(client->post("/v2/systemsharedmemory/unregister", "").status, 200);
  EXPECT_EQ(get("/v2/systemsharedmemory/status"), "[]");
}

TEST_F(EndpointsTest, CudaSharedMemory) {
  std::string handle(64, '\0'), b64;
  for (size_t i = 0; i < 63; i += 3) b64 += "AQL/";  // bytes 1, 2, 255
  for (size_t i = 0; i < 63; ++i) handle[i] = std::string("\1\2\377")[i % 3];
  const std::string body = R"({"raw_handle":{"b64":")" + b64 + R"(AA=="},"device_id":1,"byte_size":16})";
  EXPECT_EQ(client->post("/v2/cudasharedmemory/region/a/register", body).status, 200);
  std::vector<CudaMemoryRegion> regions;
  ASSERT_TRUE(fake.cuda_memory_status("a", regions).ok());
  EXPECT_EQ(regions[0].handle, handle);
  EXPECT_EQ(get("/v2/cudasharedmemory/status"), R"([{"name":"a","device_id":1,"byte_size":16}])");
  EXPECT_EQ(client->post("/v2/cudasharedmemory/region/a/unregister", "").status, 200);
  EXPECT_EQ(client->get("/v2/cudasharedmemory/region/a/status").status, 404);
  EXPECT_EQ(get("/v2/cudasharedmemory/status"), "[]");
}

TEST_F(EndpointsTest, MetricsAndLivePage) {
  EXPECT_EQ(client->get("/metrics").field("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(get("/metrics"), fake.metrics());
  EXPECT_EQ(get("/v2/live_state"), fake.live_json);
  const HttpAnswer page = client->get("/");
  EXPECT_EQ(page.field("Content-Type"), "text/html; charset=utf-8");
  EXPECT_THAT(page.field("Content-Security-Policy"), HasSubstr("default-src 'none'"));
  // Nothing comes from afar; the only other address is that of an SVG element's kind.
  EXPECT_THAT(page.body,
              AllOf(HasSubstr("fetch(\"v2/live_state\""), Not(HasSubstr("https://")), Not(HasSubstr("src="))));
}

TEST_F(EndpointsTest, LongLoadsHoldNobodyUp) {
  // All threads are asked while the loads are under way.
  HttpClient loading(http->port());
  std::string loads;
  for (int i = 0; i < 20; ++i) loads += HttpClient::post_text("/v2/repository/models/identity/load", "{}");
  loading.send(loads);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(HttpClient(http->port()).get("/v2/health/live").status, 200);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(loading.receive().status, 200);
}

}  // namespace
}  // namespace burnish::server::testing
