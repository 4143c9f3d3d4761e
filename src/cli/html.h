#pragma once
// Text on its way into HTML or SVG, and what every page begins and ends with.
#include <string>
#include <string_view>

namespace burnish::cli {

/// Safe between tags and in quoted attributes, whatever the text holds: valid UTF-8, no control characters, & < > " '
/// escaped.
std::string escaped(std::string_view text);

/// A page up to where its content begins, in the look of page_style.h and what `style` adds. Its policy lets nothing be
/// loaded or run, should escaping ever fail.
std::string page_head(std::string_view title, std::string_view style);
inline constexpr std::string_view kPageEnd = "</main>\n</body>\n</html>\n";

}  // namespace burnish::cli
