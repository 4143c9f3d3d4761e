#include "server/bearer_token.h"

#include <algorithm>
#include <cstdint>

namespace burnish::server {
namespace {

constexpr std::string_view kScheme = "bearer ";

// Looks at every character of `given`, whatever it finds.
bool equal_in_constant_time(std::string_view given, std::string_view token) {
  size_t difference = given.size() ^ token.size();
  for (size_t i = 0; i < given.size(); ++i) {
    const char expected = token.empty() ? '\0' : token[i % token.size()];
    difference |= static_cast<uint8_t>(given[i] ^ expected);
  }
  return difference == 0;
}

}  // namespace

bool is_authorized(std::string_view authorization, std::span<const std::string> tokens) {
  if (tokens.empty()) return true;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const bool is_bearer = authorization.size() > kScheme.size() &&
                         std::equal(kScheme.begin(), kScheme.end(), authorization.begin(),
                                    [&](char expected, char given) { return expected == lower(given); });
  if (!is_bearer) return false;
  const std::string_view given = authorization.substr(kScheme.size());
  bool found = false;
  for (const std::string& token : tokens) found |= !token.empty() && equal_in_constant_time(given, token);
  return found;
}

}  // namespace burnish::server
