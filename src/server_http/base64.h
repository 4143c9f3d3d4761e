#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace burnish::server::http {

/// RFC 4648's base64 with its padding; nothing where the text is not that.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace burnish::server::http
