#pragma once
// Pieces of pictures, as SVG. Colours are classes of the page's style; content is escaped.
#include <algorithm>
#include <string>
#include <string_view>

namespace burnish::cli::svg {

/// Maps [low, high] to pixels [from, to].
struct Axis {
  double low = 0, high = 1, from = 0, to = 1;
  double at(double value) const { return from + (std::clamp(value, low, high) - low) / (high - low) * (to - from); }
};

/// anchor: "start", "middle" or "end".
std::string text(double x, double y, std::string_view anchor, const std::string& content);
/// Written upwards, left of the picture.
std::string side_text(double x, double y, const std::string& content);
std::string line(std::string_view css, double x1, double y1, double x2, double y2);
std::string rect(std::string_view css, double x, double y, double width, double height);

}  // namespace burnish::cli::svg
