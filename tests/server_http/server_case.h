#pragma once
// A server on a free port in front of the fake.
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "server_http/http_client.h"
#include "server_http/http_server.h"
#include "server_support/fake_server.h"

namespace burnish::server::testing {

class ServerCase : public ::testing::Test {
 protected:
  void TearDown() override { stop(); }

  void start() {
    options.port = 0;
    options.threads = 2;
    http = std::make_unique<HttpServer>(fake, options);
    http->start();
  }
  void stop() {
    if (http) http->stop(Clock::now() + std::chrono::seconds(10));
    http.reset();
  }

  static std::string bytes_of(const std::vector<float>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
  }
  /// An inference's body with one binary input, and the field that tells its JSON's length.
  struct Inference {
    std::string body, fields;
  };
  static Inference binary_inference(const std::vector<float>& values, const std::string& more = "") {
    const std::string json = R"({"id":"7","inputs":[{"name":"INPUT0","shape":[1,)" + std::to_string(values.size()) +
                             R"(],"datatype":"FP32","parameters":{"binary_data_size":)" +
                             std::to_string(values.size() * sizeof(float)) + "}}]" + more + "}";
    return {json + bytes_of(values), "Inference-Header-Content-Length: " + std::to_string(json.size()) + "\r\n"};
  }

  FakeServer fake;
  HttpOptions options;
  std::unique_ptr<HttpServer> http;
};

}  // namespace burnish::server::testing
