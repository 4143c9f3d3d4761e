#pragma once
// Ctrl-C as an exception: a long command unwinds, so that temporary files are removed.
#include "base/log.h"

namespace burnish::cli {

struct Interrupted {};
inline constexpr int kInterruptedExitCode = 130;

/// From now on SIGINT and SIGTERM are noted; a second one ends the process at once.
void note_interrupts();
/// Throws Interrupted if a signal was noted.
void check_interrupted();
/// The same reporter, checking at every report.
Reporter interruptible(const Reporter& reporter);

}  // namespace burnish::cli
