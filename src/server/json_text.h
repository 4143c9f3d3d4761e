#pragma once
// Small pieces of JSON, for lines that are written often.
#include <cstdint>
#include <string>
#include <string_view>

namespace burnish::server {

/// In quotation marks; control characters and bytes that are not UTF-8 are escaped.
void append_json_text(std::string_view text, std::string& out);

/// "2026-01-31T23:59:59.123456Z"; `time_us`: since 1970.
std::string iso_time(uint64_t time_us);

}  // namespace burnish::server
