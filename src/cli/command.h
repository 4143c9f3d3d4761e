#pragma once
// The commands of `burnish`: one file each, one row each in main.cc.
#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace burnish::cli {

using Json = nlohmann::ordered_json;

/// Exit code of `compare` when outputs differ by more than the tolerance. Errors have codes of their own
/// (exit_code_of); all are listed in docs/cli.md.
inline constexpr int kDiffers = 1;

/// Runs the command after parsing; returns the exit code.
using Action = std::function<int()>;

struct Command {
  std::string_view name;
  std::string_view description;
  std::string_view examples;  ///< Shown below the options in --help.
  Action (*declare)(CLI::App& app);
};

extern const Command kBuild, kRun, kBench, kCompare, kInspect, kCompletion;

/// Flags that commands share.
struct OutputFlags {
  bool json = false, quiet = false, verbose = false;
};
void add_json_flag(CLI::App& app, OutputFlags& flags);
void add_log_flags(CLI::App& app, OutputFlags& flags);

/// Pretty-printed, with a newline, to stdout.
void print_json(const Json& json);

/// Text from a model, safe for a terminal: control characters and bytes that are no UTF-8 become '?'.
std::string printable(std::string_view text);

/// Splits "NAME=VALUE" at the last '='. Throws kInvalidArgument naming the option.
std::pair<std::string, std::string> split_assignment(const std::string& text, std::string_view option);

}  // namespace burnish::cli
