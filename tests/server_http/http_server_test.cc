#include "server_http/http_server.h"

#include <gmock/gmock.h>

#include "server_http/server_case.h"

namespace burnish::server::testing {
namespace {

using ::testing::HasSubstr;

class HttpServerTest : public ServerCase {};

TEST_F(HttpServerTest, HealthAndMetadata) {
  start();
  HttpClient client(http->port());
  EXPECT_EQ(client.get("/v2/health/live").status, 200);
  EXPECT_EQ(client.get("/v2/health/ready").status, 200);
  fake.ready = false;
  EXPECT_EQ(client.get("/v2/health/ready").status, 503);
  EXPECT_EQ(client.get("/v2").body,
            R"({"name":"burnish","version":"0.1.0","extensions":["binary_tensor_data","classification"]})");
  EXPECT_EQ(client.get("/v2/models/identity").body,
            R"({"name":"identity","versions":["1"],"platform":"burnish_engine",)"
            R"("inputs":[{"name":"INPUT0","datatype":"FP32","shape":[-1,16]}],)"
            R"("outputs":[{"name":"OUTPUT0","datatype":"FP32","shape":[-1,16]}]})");
  EXPECT_EQ(client.get("/v2/models/identity/versions/1/ready").status, 200);
  EXPECT_EQ(client.get("/v2/models/identity/versions/2/ready").status, 404);
  EXPECT_EQ(client.get("/v2/models/identity/config").body, fake.config_json);
}

TEST_F(HttpServerTest, InferenceInJson) {
  start();
  HttpClient client(http->port());
  const HttpAnswer answer =
      client.post("/v2/models/identity/infer",
                  R"({"inputs":[{"name":"INPUT0","shape":[2,2],"datatype":"FP32","data":[[1,2.5],[-3e10,0.1]]},)"
                  R"({"name":"INPUT1","shape":[2],"datatype":"BOOL","data":[true,0]}]})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"model_name":"identity","model_version":"1","outputs":[)"
                         R"({"name":"OUTPUT0","datatype":"FP32","shape":[2,2],"data":[1,2.5,-3e+10,0.1]},)"
                         R"({"name":"OUTPUT1","datatype":"BOOL","shape":[2],"data":[true,false]}]})");
}

TEST_F(HttpServerTest, InferenceInBinary) {
  start();
  HttpClient client(http->port());
  const std::vector<float> values = {1, 2, 3, 4};
  const Inference inference = binary_inference(values, R"(,"parameters":{"binary_data_output":true})");
  const HttpAnswer answer = client.post("/v2/models/identity/infer", inference.body, inference.fields);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.field("Content-Type"), "application/octet-stream");
  EXPECT_EQ(answer.json(),
            R"({"id":"7","model_name":"identity","model_version":"1","outputs":[{"name":"OUTPUT0","datatype":"FP32",)"
            R"("shape":[1,4],"parameters":{"binary_data_size":16}}]})");
  EXPECT_EQ(answer.binary(), bytes_of(values));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(fake.last_request().inputs.at(0).data.data) % 64, 0);
}

TEST_F(HttpServerTest, AnswersFromAnotherThread) {
  start();
  HttpClient client(http->port());
  const Inference inference =
      binary_inference({5, 6}, R"(,"outputs":[{"name":"OUTPUT0","parameters":{"binary_data":false}}])");
  const HttpAnswer answer = client.post("/v2/models/delayed/versions/1/infer", inference.body, inference.fields);
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr(R"("data":[5,6])"));
}

TEST_F(HttpServerTest, LargeTensorsPassWhole) {
  start();
  HttpClient client(http->port());
  std::vector<float> values(1 << 20);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const Inference inference = binary_inference(values, R"(,"parameters":{"binary_data_output":true})");
  for (int i = 0; i < 2; ++i) {
    const HttpAnswer answer = client.post("/v2/models/identity/infer", inference.body, inference.fields);
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(answer.binary() == bytes_of(values));
  }
}

TEST_F(HttpServerTest, ErrorsOfTheServerKeepTheirMeaning) {
  start();
  HttpClient client(http->port());
  const Inference inference = binary_inference({1});
  HttpAnswer answer = client.post("/v2/models/broken/infer", inference.body, inference.fields);
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.field("Retry-After"), "1");
  EXPECT_EQ(answer.body, "{\"error\":\"" + fake.broken_status.message + "\"}");
  answer = client.post("/v2/models/absent/infer", inference.body, inference.fields);
  EXPECT_EQ(answer.status, 404);
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  start();
  HttpClient client(http->port());
  const Inference inference = binary_inference({1, 2});
  std::string text;
  for (const char* model : {"delayed", "identity", "delayed", "absent"}) {
    text += HttpClient::post_text("/v2/models/" + std::string(model) + "/infer", inference.body, inference.fields);
  }
  client.send(text);
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.receive().status, 404);
}

TEST_F(HttpServerTest, ChunkedBodiesAndContinue) {
  start();
  HttpClient client(http->port());
  const std::string json =
      R"({"inputs":[{"name":"INPUT0","shape":[1],"datatype":"INT64","data":[-9007199254740993]}]})";
  std::string chunks;
  for (size_t i = 0; i < json.size(); i += 10) {
    const std::string part = json.substr(i, 10);
    chunks += fmt::format("{:x};ext=1\r\n{}\r\n", part.size(), part);
  }
  client.send(
      "POST /v2/models/identity/infer HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nExpect: "
      "100-continue\r\n\r\n");
  EXPECT_EQ(client.receive().status, 100);
  client.send(chunks + "0\r\nTrailer: x\r\n\r\n");
  EXPECT_THAT(client.receive().body, HasSubstr("[-9007199254740993]"));
  EXPECT_EQ(client.get("/v2/health/live").status, 200);
}

TEST_F(HttpServerTest, OneByteAtATime) {
  start();
  HttpClient client(http->port());
  const Inference inference = binary_inference({1, 2});
  const std::string text = HttpClient::post_text("/v2/models/identity/infer", inference.body, inference.fields);
  for (const char c : text) client.send({&c, 1});
  EXPECT_EQ(client.receive().status, 200);
}

TEST_F(HttpServerTest, OldClientsAndHead) {
  start();
  {
    HttpClient client(http->port());
    client.send("GET /v2/health/live HTTP/1.0\r\n\r\n");
    EXPECT_EQ(client.receive().field("Connection"), "close");
    EXPECT_TRUE(client.is_ended());
  }
  HttpClient client(http->port());
  client.send("GET /v2/health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(client.receive().field("Connection"), "keep-alive");
  client.send("HEAD /v2 HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_NE(client.receive(true).field("Content-Length"), "0");
  EXPECT_EQ(client.get("/v2/health/live").status, 200);
}

TEST_F(HttpServerTest, EveryRequestIsInTheAccessLog) {
  start();
  HttpClient client(http->port());
  const Inference inference = binary_inference({1});
  client.post("/v2/models/identity/infer", inference.body, inference.fields);
  client.get("/nothing");
  stop();  // a line is written behind its answer
  EXPECT_THAT(fake.access_log(),
              ::testing::ElementsAre("http POST /v2/models/identity/infer identity 7 200", "http GET /nothing   404"));
}

}  // namespace
}  // namespace burnish::server::testing
