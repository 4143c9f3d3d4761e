#include "cli/svg.h"

#include <fmt/format.h>

#include "cli/html.h"

namespace burnish::cli::svg {

std::string text(double x, double y, std::string_view anchor, const std::string& content) {
  return fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>)", x, y, anchor, escaped(content));
}

std::string side_text(double x, double y, const std::string& content) {
  return fmt::format(R"_(<text transform="translate({:.1f} {:.1f}) rotate(-90)" text-anchor="middle">{}</text>)_", x, y,
                     escaped(content));
}

std::string line(std::string_view css, double x1, double y1, double x2, double y2) {
  return fmt::format(R"(<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>)", css, x1, y1, x2, y2);
}

std::string rect(std::string_view css, double x, double y, double width, double height) {
  return fmt::format(R"(<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>)", css, x, y,
                     std::max(width, 0.0), std::max(height, 0.0));
}

}  // namespace burnish::cli::svg
