#include "cli/html.h"

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/page_style.h"

namespace burnish::cli {

std::string escaped(std::string_view text) {
  std::string html;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

std::string page_head(std::string_view title, std::string_view style) {
  constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
)";
  return fmt::format("{}<title>{}</title>\n<style>{}{}</style>\n</head>\n<body>\n<main>\n", kHead, escaped(title),
                     kPageStyle, style);
}

}  // namespace burnish::cli
