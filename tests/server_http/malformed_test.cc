// Whatever is wrong with a request, the answer is a 4xx that names it, and the server goes on.
#include <gmock/gmock.h>

#include <random>

#include "server_http/server_case.h"

namespace burnish::server::testing {
namespace {

using ::testing::HasSubstr;

class MalformedTest : public ServerCase {
 protected:
  void SetUp() override { start(); }

  // {"inputs":[<input>],…} that is right but for what the test puts in.
  static std::string json(const std::string& input, const std::string& more = "") {
    return "{\"inputs\":[" + input + "]" + more + "}";
  }
  static std::string input(const std::string& name, const std::string& shape, const std::string& datatype,
                           const std::string& rest) {
    return R"({"name":)" + name + R"(,"shape":)" + shape + R"(,"datatype":)" + datatype + rest + "}";
  }
  static std::string good() { return input(R"("INPUT0")", "[2]", R"("FP32")", R"(,"data":[1,2])"); }

  void expect_refused(const std::string& body, const std::string& named, const std::string& fields = "") {
    HttpClient client(http->port());
    const HttpAnswer answer = client.post("/v2/models/identity/infer", body, fields);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_THAT(answer.body, HasSubstr(named)) << body;
  }
};

TEST_F(MalformedTest, Json) {
  expect_refused("", "body");
  expect_refused("{", "body: not JSON");
  expect_refused("[]", "must be an object");
  expect_refused("{}", "inputs: missing");
  expect_refused(R"({"inputs":3})", "inputs: must be an array");
  expect_refused(R"({"inputs":[3]})", "inputs[0]: must be an object");
  expect_refused(json(good()) + "}", "body: not JSON");
  expect_refused(json(good(), R"(,"id":3)"), "id: must be a string");
  expect_refused(json(good(), R"(,"parameters":[])"), "parameters: must be an object");
  expect_refused(json(good(), R"(,"parameters":{"priority":-1})"), "parameters.priority: must be an integer");
  expect_refused(json(good(), R"(,"parameters":{"timeout":"x"})"), "parameters.timeout");
  expect_refused(json(good(), R"(,"parameters":{"sequence_id":[]})"), "parameters.sequence_id");
  expect_refused(json(good(), R"(,"parameters":{"sequence_start":1})"),
                 "parameters.sequence_start: must be true or false");
  expect_refused(json(good(), R"(,"outputs":[{}])"), "outputs[0].name: missing");
  expect_refused(json(good(), R"(,"outputs":[{"name":"O","parameters":{"classification":-1}}])"),
                 "outputs[0].parameters.classification");
  expect_refused(json(good(), R"(,"outputs":[{"name":"O","parameters":{"binary_data":1}}])"),
                 "outputs[0].parameters.binary_data");
}

TEST_F(MalformedTest, Inputs) {
  const std::string name = R"("INPUT0")", type = R"("FP32")";
  const auto refused = [&](const std::string& one, const std::string& named) {
    expect_refused(json(good() + "," + one), named);
  };
  refused(input("3", "[1]", type, ""), "inputs[1].name: must be a string");
  refused(R"({"name":"x"})", "inputs[1].datatype: missing");
  refused(input(name, "[1]", R"("FP31")", ""), "inputs[1].datatype: 'FP31'");
  refused(input(name, "[1]", R"("BYTES")", ""), "inputs[1].datatype: 'BYTES' is not supported");
  refused(input(name, "[-1]", type, ""), "inputs[1].shape");
  refused(input(name, "[1.5]", type, ""), "inputs[1].shape");
  refused(input(name, "3", type, ""), "inputs[1].shape: must be an array");
  refused(input(name, "[1]", type, ""), "inputs[1]: 'INPUT0' must have one of");
  refused(input(name, "[1]", type, R"(,"data":[1],"parameters":{"shared_memory_region":"r"})"), "inputs[1]: 'INPUT0'");
  refused(input(name, "[3]", type, R"(,"data":[1,2])"), "inputs[1].data: has 2 elements, the shape has 3");
  refused(input(name, "[1]", type, R"(,"data":[1,2])"),
          "inputs[1].data: has more elements than the shape, which has 1");
  refused(input(name, "[1]", type, R"(,"data":["x"])"), "inputs[1].data: element 0 is not a number");
  refused(input(name, "[1]", type, R"(,"data":[1e99])"), "inputs[1].data: element 0");
  refused(input(name, "[2]", R"("INT8")", R"(,"data":[127,128])"), "inputs[1].data: element 1");
  refused(input(name, "[1]", R"("UINT64")", R"(,"data":[-1])"), "inputs[1].data: element 0");
  refused(input(name, "[1]", R"("BOOL")", R"(,"data":[2])"), "inputs[1].data: element 0");
  refused(input(name, "[4611686018427387904,4611686018427387904]", type, R"(,"data":[1])"), "size overflow");
  refused(input(name, "[1000000000000]", type, R"(,"data":[1])"), "inputs[1].data: has fewer elements");
  refused(input(name, "[1]", type, R"(,"parameters":{"binary_data_size":4})"), "inputs[1].parameters.binary_data_size");
  refused(input(name, "[1]", type, R"(,"parameters":{"shared_memory_region":"r"})"),
          "inputs[1].parameters.shared_memory_byte_size: missing");
}

TEST_F(MalformedTest, BinaryLengths) {
  const Inference right = binary_inference({1, 2});
  expect_refused(right.body, "Inference-Header-Content-Length", "Inference-Header-Content-Length: 100000\r\n");
  expect_refused(right.body, "Inference-Header-Content-Length", "Inference-Header-Content-Length: -1\r\n");
  expect_refused(right.body + "more", "body: 4 bytes more", right.fields);
  expect_refused(right.body.substr(0, right.body.size() - 1), "inputs[0].parameters.binary_data_size: is 8",
                 right.fields);
}

TEST_F(MalformedTest, Compression) {
  expect_refused("not compressed", "Content-Encoding", "Content-Encoding: gzip\r\n");
  HttpClient client(http->port());
  EXPECT_EQ(client.post("/v2/models/identity/infer", "x", "Content-Encoding: br\r\n").status, 415);
}

TEST_F(MalformedTest, Messages) {
  const std::pair<const char*, const char*> cases[] = {
      {"FRO BAR BAZ\r\n\r\n", "version"},
      {"GET  /v2 HTTP/1.1\r\n\r\n", "target"},
      {"G\tT /v2 HTTP/1.1\r\n\r\n", "method"},
      {"GET /v2 HTTP/3.1\r\n\r\n", "version"},
      {"GET /v2 HTTP/1.1\r\nA B: c\r\n\r\n", "header"},
      {"GET /v2 HTTP/1.1\nA: b\n\n", "line"},
      {"GET /v2 HTTP/1.1\r\nA: \x01\r\n\r\n", "header"},
      {"POST /v2 HTTP/1.1\r\nContent-Length: x\r\n\r\n", "Content-Length"},
      {"POST /v2 HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "Content-Length"},
      {"POST /v2 HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding"},
      {"POST /v2 HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", "Transfer-Encoding"},
      {"POST /v2/models/identity/infer HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "chunk"},
  };
  for (const auto& [text, named] : cases) {
    HttpClient client(http->port());
    client.send(text);
    const HttpAnswer answer = client.receive();
    EXPECT_EQ(answer.status, 400) << text;
    EXPECT_THAT(answer.body, HasSubstr(named)) << text;
    EXPECT_TRUE(client.is_ended()) << text;
  }
}

TEST_F(MalformedTest, TargetsAndMethods) {
  HttpClient client(http->port());
  for (const char* target :
       {"/v3", "/v2/", "/v2/models//ready", "/v2/models/a/b/c/d/e/f/g", "/v2/models/identity/inferx", "*"}) {
    EXPECT_THAT(client.get(target).status, ::testing::AnyOf(400, 404)) << target;
  }
  const HttpAnswer answer = client.get("/v2/models/identity/infer");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.field("Allow"), "POST");
  client.send("DELETE /v2 HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(client.receive().status, 405);
}

TEST_F(MalformedTest, ManagementBodies) {
  HttpClient client(http->port());
  const auto refused = [&](const char* target, const char* body, const char* named) {
    const HttpAnswer answer = client.post(target, body);
    EXPECT_EQ(answer.status, 400) << target << body;
    EXPECT_THAT(answer.body, HasSubstr(named)) << target << body;
  };
  refused("/v2/repository/index", R"({"ready":3})", "ready");
  refused("/v2/repository/index", "[", "body");
  refused("/v2/repository/models/identity/load", R"({"parameters":{"config":3}})", "parameters.config");
  refused("/v2/repository/models/identity/unload", R"({"parameters":{"unload_dependents":3}})",
          "parameters.unload_dependents");
  refused("/v2/systemsharedmemory/region/r/register", R"({"key":"/k"})", "byte_size: missing");
  refused("/v2/systemsharedmemory/region/r/register", R"({"key":"/k","byte_size":-1})", "byte_size");
  const char* cuda = "/v2/cudasharedmemory/region/r/register";
  refused(cuda, R"({"device_id":0,"byte_size":1})", "raw_handle: missing");
  refused(cuda, R"({"raw_handle":"AAAA","device_id":0,"byte_size":1})", "raw_handle: must be an object");
  refused(cuda, R"({"raw_handle":{},"device_id":0,"byte_size":1})", "raw_handle.b64: missing");
  for (const char* b64 : {"AAA", "A-AA", "A=AA", "====", "AAAA AAA"}) {
    const std::string body = std::string(R"({"raw_handle":{"b64":")") + b64 + R"("},"device_id":0,"byte_size":1})";
    refused(cuda, body.c_str(), "raw_handle.b64: is not base64");
  }
  refused(cuda, R"({"raw_handle":{"b64":"AAAA"},"device_id":-1,"byte_size":1})", "device_id");
  refused(cuda, R"({"raw_handle":{"b64":"AAAA"},"device_id":99999999999,"byte_size":1})", "device_id");
  refused(cuda, R"({"raw_handle":{"b64":"AAAA"},"device_id":0})", "byte_size: missing");
  refused("/v2/logging", R"({"log_info":{}})", "log_info");
  refused("/v2/trace/setting", R"({"unknown":"1"})", "unknown");
}

// One way to break a request, with what the message must name.
struct Broken {
  std::string text, named;
};

class Breaker {
 public:
  explicit Breaker(uint64_t seed) : random_(seed) {}

  Broken next() {
    switch (random_() % 8) {
      case 0:
        return {post(cut(body())), "body"};
      case 1:
        return {post(replaced(body(), "\"FP32\"", quoted(word()))), "datatype"};
      case 2:
        return {post(replaced(body(), "\"shape\":[2]", "\"shape\":" + no_shape())), "inputs[0]"};
      case 3:
        return {post(replaced(body(), "[1,2]", no_data())), "inputs[0].data"};
      case 4:
        return {post(replaced(body(), pick({"\"name\"", "\"shape\"", "\"datatype\"", "\"data\""}), quoted(word()))),
                "inputs[0]"};
      case 5:
        return {post(body(), "Inference-Header-Content-Length: " +
                                 std::to_string(body().size() + 1 + random_() % 1000000) + "\r\n"),
                "Inference-Header-Content-Length"};
      case 6:
        return {post(replaced(body(), "\"inputs\"", quoted(word()))), "inputs"};
      default:
        return {"POST /v2/models/identity/infer HTTP/1.1\r\n" + line_noise() + "\r\n\r\n", "header"};
    }
  }

 private:
  static std::string body() { return R"({"inputs":[{"name":"INPUT0","shape":[2],"datatype":"FP32","data":[1,2]}]})"; }
  static std::string post(const std::string& body, const std::string& fields = "") {
    return HttpClient::post_text("/v2/models/identity/infer", body, fields);
  }
  static std::string quoted(const std::string& text) { return "\"" + text + "\""; }
  static std::string replaced(std::string text, const std::string& what, const std::string& with) {
    return text.replace(text.find(what), what.size(), with);
  }
  std::string pick(std::vector<std::string> options) { return options[random_() % options.size()]; }
  std::string cut(std::string text) { return text.substr(0, random_() % text.size()); }
  std::string word() {
    std::string text = "x";
    for (size_t n = random_() % 20; n > 0; --n) text += static_cast<char>('a' + random_() % 26);
    return text;
  }
  std::string number() { return std::to_string(static_cast<int64_t>(random_())); }
  std::string no_shape() {
    return pick({"[-" + std::to_string(1 + random_() % 1000) + "]", quoted(word()), "[" + quoted(word()) + "]", "{}",
                 "null", "[" + std::to_string(3 + random_() % 1000000) + "]", "[0]", "[0.5]", "[1e3]"});
  }
  std::string no_data() {
    return pick({"[" + number() + "]", "[]", quoted(word()), "[1,2," + number() + "]", "[1," + quoted(word()) + "]",
                 "{}", "null", "[[1,[]]]", "[1,{}]", number()});
  }
  // A field without a colon, or with a control character.
  std::string line_noise() {
    std::string text = word();
    if (random_() % 2 == 0) text += ": " + word() + static_cast<char>(1 + random_() % 8);
    return text;
  }

  std::mt19937_64 random_;
};

TEST_F(MalformedTest, TenThousandAtRandom) {
  Breaker breaker(20261125);
  auto client = std::make_unique<HttpClient>(http->port());
  for (int i = 0; i < 10000; ++i) {
    const Broken broken = breaker.next();
    client->send(broken.text);
    const HttpAnswer answer = client->receive();
    ASSERT_TRUE(answer.status >= 400 && answer.status < 500) << answer.status << " to " << broken.text;
    ASSERT_THAT(answer.body, HasSubstr(broken.named)) << broken.text;
    if (answer.field("Connection") == "close") client = std::make_unique<HttpClient>(http->port());
  }
  EXPECT_EQ(HttpClient(http->port()).get("/v2/health/live").status, 200);
  EXPECT_EQ(fake.num_requests(), 0U);
}

// Bytes without any sense: an answer or an end, and never a hang.
TEST_F(MalformedTest, Noise) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 300; ++i) {
    std::string text = i % 2 == 0 ? "POST /v2/models/identity/infer HTTP/1.1\r\n" : "";
    for (size_t n = random() % 500; n > 0; --n) text += static_cast<char>(random());
    HttpClient client(http->port());
    client.send(text);
    client.end_sending();
    const HttpAnswer answer = client.receive();
    EXPECT_TRUE(answer.status == 0 || (answer.status >= 400 && answer.status < 500)) << answer.status;
  }
}

}  // namespace
}  // namespace burnish::server::testing
