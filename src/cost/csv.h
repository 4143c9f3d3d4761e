#pragma once
// Tables as logs hold them: one row a line, cells between commas, semicolons or tabs, in quotes or not.
#include <optional>
#include <string_view>
#include <vector>

namespace burnish::cost {

/// Removes the first line from text and returns it, without its end.
std::string_view take_line(std::string_view& text);

/// A line's cells without the spaces and quotes around them. Quoted separators part cells as well.
void split_cells(std::string_view line, std::vector<std::string_view>& cells);

/// Seconds since 1970: ISO 8601 ("2026-03-01T12:34:56.789Z", offsets allowed, UTC without one), or a number of seconds
/// (milliseconds above 10^11). None for anything else.
std::optional<double> parse_time(std::string_view text);

/// A whole number text without unit: "0.25", "1e-3". None for anything else, and for infinities.
std::optional<double> parse_number(std::string_view text);

}  // namespace burnish::cost
