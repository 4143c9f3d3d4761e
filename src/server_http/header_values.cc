#include "server_http/header_values.h"

#include <algorithm>
#include <charconv>

namespace burnish::server::http {

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Coding parse_coding(std::string_view name) {
  if (equal_ignoring_case(name, "gzip") || equal_ignoring_case(name, "x-gzip")) return Coding::kGzip;
  if (equal_ignoring_case(name, "deflate")) return Coding::kDeflate;
  if (name.empty() || equal_ignoring_case(name, "identity")) return Coding::kIdentity;
  return Coding::kUnknown;
}

Coding parse_accepted(std::string_view list) {
  if (list.find(',') != std::string_view::npos) return Coding::kIdentity;
  const size_t semicolon = std::min(list.find(';'), list.size());
  const Coding coding = parse_coding(trimmed(list.substr(0, semicolon)));
  const std::string_view weight = trimmed(list.substr(std::min(semicolon + 1, list.size())));
  const bool refused = weight.starts_with("q=0") && weight.find_first_of("123456789") == std::string_view::npos;
  return refused || coding == Coding::kUnknown ? Coding::kIdentity : coding;
}

std::optional<uint64_t> parse_unsigned(std::string_view text) {
  uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

}  // namespace burnish::server::http
