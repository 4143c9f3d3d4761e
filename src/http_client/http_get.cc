#include "http_client/http_get.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace burnish::http_client {
namespace {

constexpr std::string_view kScheme = "http://";
constexpr uint16_t kDefaultPort = 80;

struct Url {
  std::string host, authority, path;
  uint16_t port = kDefaultPort;
};

/// Of ":PORT", or nothing.
bool parse_port(std::string_view text, uint16_t& port) {
  if (text.empty()) return true;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), port);
  return text.front() == ':' && error == std::errc() && end == text.data() + text.size();
}

/// Of "HOST[:PORT]".
bool parse_authority(Url& url) {
  const std::string_view text = url.authority;
  const bool is_v6 = text.starts_with('[');
  const size_t host_end = is_v6 ? text.find(']') : std::min(text.find(':'), text.size());
  if (host_end == std::string_view::npos) return false;
  const size_t bracket = is_v6 ? 1 : 0;
  url.host = text.substr(bracket, host_end - bracket);
  return !url.host.empty() && parse_port(text.substr(host_end + bracket), url.port);
}

Url parse_url(const std::string& text) {
  check(!text.starts_with("https://"), ErrorCode::kInvalidArgument,
        "'{}': only http:// is spoken here; save the answer with `curl -o FILE URL` and give the file", text);
  const bool is_clean = text.find_first_of(" \t\r\n#@") == std::string::npos;
  Url url;
  if (text.starts_with(kScheme)) {
    const size_t slash = std::min(text.find('/', kScheme.size()), text.size());
    url.authority = text.substr(kScheme.size(), slash - kScheme.size());
    url.path = slash < text.size() ? text.substr(slash) : "/";
  }
  check(is_clean && parse_authority(url), ErrorCode::kInvalidArgument,
        "'{}' is no URL; write it like http://localhost:8000/metrics", text);
  return url;
}

}  // namespace

HttpAnswer http_get(const std::string& url, const HttpLimits& limits) {
  const Url parts = parse_url(url);
  HttpClient client(parts.host, parts.port, limits, url);
  client.send(get_text(parts.path, parts.authority, "User-Agent: burnish\r\nAccept: */*\r\nConnection: close\r\n"));
  HttpAnswer answer = client.receive();
  check(answer.status != 0, ErrorCode::kIo,
        "'{}' ends the connection and does not answer in HTTP; is the port another's (gRPC, or https)?", url);
  return answer;
}

bool is_url(const std::string& text) {
  return text.find("://") != std::string::npos;
}

std::string sibling_url(const std::string& url, const std::string& path) {
  return fmt::format("{}{}{}", kScheme, parse_url(url).authority, path);
}

}  // namespace burnish::http_client
