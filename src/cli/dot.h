#pragma once
// Graphviz text.
#include <string>

namespace burnish::cli {

/// Names are identifiers of ours; labels may hold anything.
class DotWriter {
 public:
  explicit DotWriter(const std::string& title);
  void box(const std::string& id, const std::string& label);
  void terminal(const std::string& id, const std::string& label);
  void arrow(const std::string& from, const std::string& to, const std::string& label);
  std::string finish();

 private:
  std::string text_;
};

}  // namespace burnish::cli
