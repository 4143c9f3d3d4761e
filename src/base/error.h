#pragma once
// The one exception type of Burnish. An error names the culprit, the reason and the next step, and collects context
// frames ("build", "pass fuse_epilogues", "node /layer1/conv2") while it travels outwards.
#include <fmt/format.h>

#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace burnish {

enum class ErrorCode {
  kInvalidArgument,  ///< The caller's option, name, shape or dtype is wrong.
  kInvalidModel,     ///< The model breaks ONNX's rules.
  kUnsupported,      ///< Legal, but not implemented here.
  kIo,               ///< A file could not be read or written.
  kCorrupt,          ///< An engine file or cache is damaged.
  kMismatch,         ///< An engine made for another version, target or ISA.
  kAccuracy,         ///< The accuracy budget cannot be held.
  kOutOfMemory,      ///< Memory, or a limit on it, is exhausted.
  kInternal,         ///< A broken invariant of ours.
};
/// Stable lower-case name: "invalid_argument", …
std::string_view name_of(ErrorCode code);
/// Process exit code of the command line for this error; stable, documented in docs/cli.md.
int exit_code_of(ErrorCode code);

class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) { format(); }

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }
  /// Outermost frame first.
  const std::vector<std::string>& frames() const { return frames_; }

  /// Sets what the user can do about it; returns *this to be thrown.
  Error& with_hint(std::string hint);
  /// Adds an outer frame.
  void add_frame(std::string frame);

  /// "build → node /conv1: message. Hint"
  const char* what() const noexcept override { return what_.c_str(); }

 private:
  void format();
  ErrorCode code_;
  std::string message_;
  std::string hint_;
  std::vector<std::string> frames_;
  std::string what_;
};

/// throw_error(ErrorCode::kIo, "cannot open '{}': {}", path, reason)
template <typename... Args>
[[noreturn]] void throw_error(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

/// Throws kInternal-style errors for broken preconditions: check(cond, ErrorCode::kInvalidModel, "…", …)
template <typename... Args>
void check(bool condition, ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) throw_error(code, format, std::forward<Args>(args)...);
}

/// Runs f; an Error that leaves it gains the frame made by frame() (called only then).
template <typename Frame, typename F>
decltype(auto) with_frame(Frame&& frame, F&& f) {
  try {
    return std::forward<F>(f)();
  } catch (Error& e) {
    e.add_frame(frame());
    throw;
  }
}

}  // namespace burnish
