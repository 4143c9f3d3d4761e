#pragma once
// How names and strings are spelled in IR text.
#include <cctype>
#include <string>
#include <string_view>

namespace burnish {

inline bool is_name_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '/' || c == '-';
}

/// Names that need no quotes: word characters and "./-", colons inside.
inline bool is_plain_name(std::string_view name) {
  if (name.empty() || name.front() == ':' || name.back() == ':') return false;
  for (char c : name) {
    if (!is_name_char(c) && c != ':') return false;
  }
  return true;
}

/// In double quotes, with \", \\ and \xHH for control characters.
inline std::string quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (u < 0x20 || u == 0x7f) {
      out += {'\\', 'x', kHex[u >> 4U], kHex[u & 15U]};
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace burnish
