#include "base/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

namespace burnish {
namespace {

struct ConsoleState {
  bool terminal = ::isatty(STDERR_FILENO) != 0;
  bool bar_shown = false;
  std::string last_stage;
};

void clear_bar(ConsoleState& state) {
  if (state.bar_shown) fmt::print(stderr, "\r\x1b[K");
  state.bar_shown = false;
}

void draw_bar(ConsoleState& state, std::string_view stage, int64_t done, int64_t total) {
  constexpr int kWidth = 32;
  const int filled = total > 0 ? static_cast<int>(kWidth * done / total) : 0;
  fmt::print(stderr, "\r\x1b[K{:<12} [{:=<{}}{: <{}}] {}/{}", stage, "", filled, "", kWidth - filled, done, total);
  std::fflush(stderr);
  state.bar_shown = true;
  if (total > 0 && done >= total) clear_bar(state);
}

}  // namespace

Reporter make_console_reporter(LogLevel level) {
  auto state = std::make_shared<ConsoleState>();
  Reporter r;
  r.message = [state, level](LogLevel l, std::string_view text) {
    if (l > level) return;
    clear_bar(*state);
    const char* prefix = l == LogLevel::kError ? "error: " : l == LogLevel::kWarning ? "warning: " : "";
    fmt::print(stderr, "{}{}\n", prefix, text);
  };
  r.progress = [state, level](std::string_view stage, int64_t done, int64_t total) {
    if (level < LogLevel::kInfo) return;
    if (state->terminal) return draw_bar(*state, stage, done, total);
    if (state->last_stage != stage) fmt::print(stderr, "{}: {} to do\n", stage, total);
    state->last_stage = stage;
  };
  return r;
}

}  // namespace burnish
