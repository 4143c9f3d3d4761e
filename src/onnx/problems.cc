#include "onnx/problems.h"

namespace burnish {

void Problems::add(ErrorCode code, std::string line) {
  if (lines_.empty() || code == ErrorCode::kInvalidModel) code_ = code;
  if (lines_.size() < kMaxLines) {
    lines_.push_back(std::move(line));
  } else {
    ++num_more_;
  }
}

void Problems::add(const std::string& subject, const Error& error) {
  std::string line = subject + ": ";
  for (const std::string& frame : error.frames()) {
    if (!frame.starts_with("node ")) line += frame + ": ";  // the subject is the node
  }
  line += error.message();
  if (!error.hint().empty()) line += ". " + error.hint();
  // A model that asks for an impossible size or shape is a wrong model, whoever noticed.
  const bool model_is_wrong = error.code() == ErrorCode::kInvalidArgument;
  add(model_is_wrong ? ErrorCode::kInvalidModel : error.code(), std::move(line));
}

void Problems::throw_if_any() const {
  if (lines_.empty()) return;
  const size_t total = lines_.size() + num_more_;
  std::string text = fmt::format("the model cannot be imported ({} problem{}):", total, total == 1 ? "" : "s");
  for (const std::string& line : lines_) text += "\n  - " + line;
  if (num_more_ > 0) text += fmt::format("\n  … and {} more", num_more_);
  throw Error(code_, std::move(text));
}

}  // namespace burnish
