#pragma once
#include <span>
#include <string>
#include <string_view>

namespace burnish::server {

/// True when `authorization` is "Bearer <token>" with one of the tokens, or when there are none. The time it takes
/// tells nothing of how much of a token was right.
bool is_authorized(std::string_view authorization, std::span<const std::string> tokens);

}  // namespace burnish::server
