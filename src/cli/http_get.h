#pragma once
// One small file from a server, over plain HTTP.
#include <chrono>
#include <string>

namespace burnish::cli {

struct HttpAnswer {
  int status = 0;
  std::string body;
};

struct HttpLimits {
  std::chrono::milliseconds time{10'000};  ///< For all of it.
  size_t bytes = size_t{16} << 20;         ///< Of head and body together.
};

/// "http://HOST[:PORT]/PATH"; a host may be a name, an IPv4 address or an IPv6 one in brackets. Asks as HTTP/1.0, so
/// that answers come in one piece. No redirections, no HTTPS. Throws kInvalidArgument for another URL, kIo naming it
/// and the reason: no such host, no server there, the limits, or an answer that is not HTTP or breaks off.
HttpAnswer http_get(const std::string& url, const HttpLimits& limits = {});

/// Whether text is to be fetched rather than read from a file.
bool is_url(const std::string& text);

/// The URL of another path at the same server. Throws as http_get() does.
std::string sibling_url(const std::string& url, const std::string& path);

}  // namespace burnish::cli
