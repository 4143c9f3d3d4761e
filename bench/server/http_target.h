#pragma once
// What load generators over HTTP share: whom to ask, and one inference request of a made-up tensor.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http_client/http_client.h"

namespace burnish::bench {

using Clock = std::chrono::steady_clock;
using http_client::HttpAnswer;
using http_client::HttpClient;
using http_client::HttpLoop;

/// Whom to ask, and for what.
struct Target {
  std::string host = "127.0.0.1", model = "identity", input = "INPUT0", datatype = "FP32";
  std::vector<int64_t> shape = {1, 16};
  uint16_t port = 8000;
  int connections = 64;
};

inline void add_target_options(CLI::App& app, Target& target) {
  app.add_option("--host", target.host);
  app.add_option("--port", target.port);
  app.add_option("--model", target.model);
  app.add_option("--input", target.input);
  app.add_option("--shape", target.shape)->delimiter(',');
  app.add_option("--datatype", target.datatype);
  app.add_option("--connections", target.connections)->check(CLI::Range(1, 10000));
}

inline std::vector<std::unique_ptr<HttpClient>> connect(HttpLoop& loop, const Target& target) {
  http_client::HttpLimits limits;
  limits.bytes = size_t{1} << 30;
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < target.connections; ++i) {
    clients.push_back(std::make_unique<HttpClient>(loop, target.host, target.port, limits));
  }
  return clients;
}

inline size_t element_bytes(std::string_view datatype) {
  if (datatype.ends_with("64")) return 8;
  if (datatype.ends_with("32")) return 4;
  return datatype.ends_with("16") ? 2 : 1;
}

inline std::string make_request(const Target& o) {
  int64_t elements = 1;
  std::string shape;
  for (const int64_t extent : o.shape) {
    elements *= extent;
    shape += (shape.empty() ? "" : ",") + std::to_string(extent);
  }
  std::string data(static_cast<size_t>(elements) * element_bytes(o.datatype), '\0');
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i % 61);  // no NaN, no infinity; small integers
  const std::string json = R"({"inputs":[{"name":")" + o.input + R"(","shape":[)" + shape + R"(],"datatype":")" +
                           o.datatype + R"(","parameters":{"binary_data_size":)" + std::to_string(data.size()) +
                           R"(}}],"parameters":{"binary_data_output":true}})";
  return http_client::post_text("/v2/models/" + o.model + "/infer", o.host, json + data,
                                "Content-Type: application/octet-stream\r\nInference-Header-Content-Length: " +
                                    std::to_string(json.size()) + "\r\n");
}

}  // namespace burnish::bench
