#pragma once
// An answer before it is bytes.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/request.h"
#include "server_http/request_reader.h"

namespace burnish::server::http {

inline constexpr std::string_view kJsonType = "application/json";

struct Response {
  int status = 200;
  std::string_view content_type = kJsonType;
  std::string_view extra_fields;      ///< Whole header lines.
  std::optional<size_t> json_length;  ///< Inference-Header-Content-Length.
  Coding coding = Coding::kIdentity;
  std::string text;            ///< The body's beginning.
  std::vector<Bytes> tensors;  ///< The rest of it, sent from where they lie.

  size_t body_bytes() const {
    size_t bytes = text.size();
    for (const Bytes& tensor : tensors) bytes += tensor.size;
    return bytes;
  }
};

/// HTTP's number for a status.
int http_status(StatusCode code);
std::string_view reason_phrase(int status);

/// {"error": message}
Response error_response(int status, std::string_view message);
inline Response error_response(const Status& status) {
  return error_response(http_status(status.code), status.message);
}

/// The status line and header fields. `date`: as RFC 9110's Date has it.
void append_head(std::string& out, const Response& response, bool http_1_0, bool keep_alive, std::string_view date);

}  // namespace burnish::server::http
