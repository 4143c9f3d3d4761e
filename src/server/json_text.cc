#include "server/json_text.h"

#include <fmt/format.h>

#include <ctime>

#include "server/utf8.h"

namespace burnish::server {

void append_json_text(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    const size_t bytes = utf8_character_bytes(text);
    const auto c = static_cast<unsigned char>(text[0]);
    if (bytes == 0 || c < 0x20 || c == 0x7F) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += text.substr(0, bytes);
    }
    text.remove_prefix(std::max<size_t>(bytes, 1));
  }
  out += '"';
}

std::string iso_time(uint64_t time_us) {
  const auto seconds = static_cast<std::time_t>(time_us / 1000000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec, time_us % 1000000);
}

}  // namespace burnish::server
