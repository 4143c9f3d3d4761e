#pragma once
// The commands of `burnish`: one file each, one row each in main.cc.
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "cli/options.h"

namespace burnish::cli {

/// Exit code of `compare` when outputs differ by more than the tolerance. Errors have codes of their own
/// (exit_code_of); all are listed in docs/cli.md.
inline constexpr int kDiffers = 1;

/// Runs the command after parsing; returns the exit code.
using Action = std::function<int()>;

struct Command {
  std::string_view name;
  std::string_view description;
  std::string_view examples;  ///< Shown below the options in --help.
  Action (*declare)(OptionSet& command, const CommandLine& line);
};

extern const Command kBuild, kRun, kBench, kCompare, kInspect, kServe, kCost, kAudit, kCompletion;

/// Flags that commands share.
struct OutputFlags {
  bool json = false, quiet = false, verbose = false;
};
void add_json_flag(OptionSet& command, OutputFlags& flags);
void add_log_flags(OptionSet& command, OutputFlags& flags);
/// What these flags let be said.
LogLevel level_of(const OutputFlags& flags);

/// Text from a model, safe for a terminal: control characters and bytes that are no UTF-8 become '?'.
std::string printable(std::string_view text);

/// Splits "NAME=VALUE" at the last '='. Throws kInvalidArgument naming the option.
std::pair<std::string, std::string> split_assignment(const std::string& text, std::string_view option);

}  // namespace burnish::cli
