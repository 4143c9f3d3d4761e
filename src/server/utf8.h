#pragma once
#include <cstddef>
#include <string_view>

namespace burnish::server {

/// Bytes of the UTF-8 character at the front of `text`, which is not empty; 0: there is none.
size_t utf8_character_bytes(std::string_view text);

inline bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t bytes = utf8_character_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

}  // namespace burnish::server
