#pragma once
// The client of the tests: of a server on this machine, patient, and open to large answers.
#include "http_client/http_client.h"

namespace burnish::server::testing {

using http_client::HttpAnswer;

class HttpClient : public http_client::HttpClient {
 public:
  explicit HttpClient(uint16_t port) : http_client::HttpClient("127.0.0.1", port, {std::chrono::minutes(1), 1 << 30}) {}

  static std::string post_text(std::string_view target, std::string_view body, std::string_view fields = "") {
    return http_client::post_text(target, "test", body, fields);
  }
};

}  // namespace burnish::server::testing
