#pragma once
// One small page of a server.
#include <string>

#include "http_client/http_client.h"

namespace burnish::http_client {

/// "http://HOST[:PORT]/PATH"; a host may be a name, an IPv4 address or an IPv6 one in brackets. Throws kInvalidArgument
/// for another URL, and kIo naming it as HttpClient does, or when no answer comes.
HttpAnswer http_get(const std::string& url, const HttpLimits& limits = {});

/// Whether text is to be fetched rather than read from a file.
bool is_url(const std::string& text);

/// The URL of another path at the same server. Throws kInvalidArgument as http_get() does.
std::string sibling_url(const std::string& url, const std::string& path);

}  // namespace burnish::http_client
