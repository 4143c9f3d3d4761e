#pragma once
// Progress and messages for people. Libraries report through a Reporter; the command line chooses what is shown.
#include <functional>
#include <string>
#include <string_view>

namespace burnish {

enum class LogLevel { kError, kWarning, kInfo, kVerbose };

/// Where a long operation tells how far it is. All members may be empty. Called from one thread at a time.
struct Reporter {
  std::function<void(LogLevel, std::string_view message)> message;
  /// stage ("tuning"), done and total in units of work; total 0 when unknown.
  std::function<void(std::string_view stage, int64_t done, int64_t total)> progress;
  /// Called at every step, reported or not. What it throws stops the operation.
  std::function<void()> poll;

  void log(LogLevel level, std::string_view text) const {
    if (message) message(level, text);
  }
  void advance(std::string_view stage, int64_t done, int64_t total) const {
    if (poll) poll();
    if (progress) progress(stage, done, total);
  }
};

/// Draws progress as a bar on a terminal, as plain lines otherwise; messages go to stderr.
Reporter make_console_reporter(LogLevel level);

}  // namespace burnish
