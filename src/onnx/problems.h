#pragma once
// Collects every problem of a model, so that one import tells them all.
#include <cstddef>
#include <string>
#include <vector>

#include "base/error.h"

namespace burnish {

class Problems {
 public:
  /// line: "node 'conv1' (Conv, ai.onnx 17): reason. What to do."
  void add(ErrorCode code, std::string line);
  /// The same for an error caught at subject ("node 'conv1' (Conv, ai.onnx 17)").
  void add(const std::string& subject, const Error& error);

  bool empty() const { return lines_.empty(); }
  /// Throws one Error with a line for each problem: kInvalidModel when any of them is, else the first one's code.
  void throw_if_any() const;

 private:
  static constexpr size_t kMaxLines = 100;
  std::vector<std::string> lines_;
  size_t num_more_ = 0;
  ErrorCode code_ = ErrorCode::kUnsupported;
};

}  // namespace burnish
