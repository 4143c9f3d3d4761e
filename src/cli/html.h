#pragma once
// Text on its way into HTML or SVG.
#include <string>
#include <string_view>

namespace burnish::cli {

/// Safe between tags and in quoted attributes, whatever the text holds: valid UTF-8, no control characters, & < > " '
/// escaped.
std::string escaped(std::string_view text);

}  // namespace burnish::cli
