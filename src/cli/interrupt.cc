#include "cli/interrupt.h"

#include <csignal>

namespace burnish::cli {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

void on_signal(int signal) {
  g_interrupted = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void note_interrupts() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that grows too large is an error of write(), not the end
}

void check_interrupted() {
  if (g_interrupted != 0) throw Interrupted{};
}

Reporter interruptible(const Reporter& reporter) {
  Reporter wrapped;
  wrapped.message = [reporter](LogLevel level, std::string_view text) {
    check_interrupted();
    reporter.log(level, text);
  };
  wrapped.progress = [reporter](std::string_view stage, int64_t done, int64_t total) {
    check_interrupted();
    reporter.advance(stage, done, total);
  };
  return wrapped;
}

}  // namespace burnish::cli
