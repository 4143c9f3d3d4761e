#include "server_http/response.h"

#include <algorithm>
#include <array>
#include <utility>

#include "server_http/json_writer.h"

namespace burnish::server::http {

int http_status(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return 200;
    case StatusCode::kInvalidArgument:
      return 400;
    case StatusCode::kUnauthenticated:
      return 401;
    case StatusCode::kNotFound:
      return 404;
    case StatusCode::kTooLarge:
      return 413;
    case StatusCode::kResourceExhausted:
      return 429;
    case StatusCode::kCancelled:
      return 499;
    case StatusCode::kUnsupported:
      return 501;
    case StatusCode::kUnavailable:
      return 503;
    case StatusCode::kDeadlineExceeded:
      return 504;
    case StatusCode::kInternal:
      break;
  }
  return 500;
}

std::string_view reason_phrase(int status) {
  using Row = std::pair<int, std::string_view>;
  static constexpr std::array kRows = {
      Row{200, "OK"},
      Row{400, "Bad Request"},
      Row{401, "Unauthorized"},
      Row{403, "Forbidden"},
      Row{404, "Not Found"},
      Row{405, "Method Not Allowed"},
      Row{408, "Request Timeout"},
      Row{413, "Content Too Large"},
      Row{415, "Unsupported Media Type"},
      Row{429, "Too Many Requests"},
      Row{431, "Request Header Fields Too Large"},
      Row{499, "Client Closed Request"},
      Row{500, "Internal Server Error"},
      Row{501, "Not Implemented"},
      Row{503, "Service Unavailable"},
      Row{504, "Gateway Timeout"},
  };
  const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.first == status; });
  return row == kRows.end() ? "Unknown" : row->second;
}

Response error_response(int status, std::string_view message) {
  Response response;
  response.status = status;
  JsonWriter(response.text).begin_object().field("error", message).end_object();
  if (status == 401) response.extra_fields = "WWW-Authenticate: Bearer\r\n";
  if (status == 429 || status == 503) response.extra_fields = "Retry-After: 1\r\n";
  return response;
}

void append_head(std::string& out, const Response& response, bool http_1_0, bool keep_alive, std::string_view date) {
  out += "HTTP/1.1 ";
  append_number(out, response.status);
  out.append(" ").append(reason_phrase(response.status)).append("\r\nContent-Type: ").append(response.content_type);
  if (response.json_length) {
    out += "\r\nInference-Header-Content-Length: ";
    append_number(out, *response.json_length);
  }
  if (response.coding == Coding::kGzip) out += "\r\nContent-Encoding: gzip";
  if (response.coding == Coding::kDeflate) out += "\r\nContent-Encoding: deflate";
  out += "\r\nContent-Length: ";
  append_number(out, response.body_bytes());
  if (!keep_alive) out += "\r\nConnection: close";
  if (keep_alive && http_1_0) out += "\r\nConnection: keep-alive";
  out.append("\r\nDate: ").append(date).append("\r\n").append(response.extra_fields).append("\r\n");
}

}  // namespace burnish::server::http
