#include "cli/dot.h"

#include <fmt/format.h>

namespace burnish::cli {
namespace {

std::string quote(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return quoted + "\"";
}

}  // namespace

DotWriter::DotWriter(const std::string& title) {
  text_ = fmt::format("digraph {} {{\n  node [fontname=\"sans-serif\", fontsize=10];\n  edge [fontsize=8];\n",
                      quote(title.empty() ? "model" : title));
}

void DotWriter::box(const std::string& id, const std::string& label) {
  text_ += fmt::format("  {} [shape=box, style=rounded, label={}];\n", id, quote(label));
}

void DotWriter::terminal(const std::string& id, const std::string& label) {
  text_ += fmt::format("  {} [shape=ellipse, label={}];\n", id, quote(label));
}

void DotWriter::arrow(const std::string& from, const std::string& to, const std::string& label) {
  text_ += fmt::format("  {} -> {} [label={}];\n", from, to, quote(label));
}

std::string DotWriter::finish() {
  return text_ + "}\n";
}

}  // namespace burnish::cli
