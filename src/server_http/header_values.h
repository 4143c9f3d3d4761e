#pragma once
// What stands in header fields.
#include <cstdint>
#include <optional>
#include <string_view>

namespace burnish::server::http {

enum class Coding { kIdentity, kGzip, kDeflate, kUnknown };

bool equal_ignoring_case(std::string_view a, std::string_view b);
/// Without spaces and tabs at its ends.
std::string_view trimmed(std::string_view text);
/// Of Content-Encoding.
Coding parse_coding(std::string_view name);
/// Of Accept-Encoding. A coding named alone is asked for; lists are what client libraries send by default, and may be
/// answered plainly, which is faster.
Coding parse_accepted(std::string_view list);
std::optional<uint64_t> parse_unsigned(std::string_view text);

}  // namespace burnish::server::http
