#pragma once
// From the words of `burnish audit` to what is audited.
#include <cstdint>
#include <string>
#include <vector>

#include "cli/options.h"
#include "cost/audit.h"

namespace burnish::cli {

/// As typed; empty or 0 where nothing was.
struct AuditWords {
  std::string source, later, interval, model, times, p99, max_utilisation = "80%", queue_delay;
  int instances = 0, max_batch = 0;
  uint64_t seed = 1;
};

/// Where inputs are from.
struct AuditOrigins {
  std::string settings;  ///< Empty: typed in, or assumed.
  std::string times;
  std::vector<std::string> assumptions;  ///< What had to be assumed, and what to give instead.
};

/// One model version, or one log.
struct AuditCase {
  cost::AuditInputs inputs;
  AuditOrigins origins;
};

void add_audit_options(OptionSet& command, AuditWords& words);

/// Reads files, or scrapes a server twice, which takes the interval; `waiting` is called with its length in seconds
/// before. Throws kInvalidArgument naming the option, the file or the line, kIo naming the file or the URL.
std::vector<AuditCase> read_audit_cases(const AuditWords& words, void (*waiting)(double seconds));

}  // namespace burnish::cli
