// burnish: the command line.
#include <burnish/engine.h>
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <new>

#include "base/error.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/json.h"

namespace burnish::cli {
namespace {

constexpr const Command* kCommands[] = {&kBuild, &kRun,  &kBench, &kCompare,   &kInspect,
                                        &kServe, &kCost, &kAudit, &kCompletion};

constexpr std::string_view kFooter = R"(Two commands take a model from a file to an inference:
  burnish build model.onnx -o model.engine
  burnish bench model.engine

`burnish COMMAND --help` shows a command's options and examples.)";

int report(std::string_view code, const std::string& message, int exit_code, bool json) {
  if (json) {
    print_json({{"error", {{"code", code}, {"message", message}, {"exit_code", exit_code}}}});
  } else {
    fmt::print(stderr, "error: {}\n", printable(message));
  }
  return exit_code;
}

int exit_code_of_name(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    if (name_of(static_cast<ErrorCode>(i)) == name) return exit_code_of(static_cast<ErrorCode>(i));
  }
  return exit_code_of(ErrorCode::kInternal);
}

/// The one place where errors become messages and exit codes.
int guarded(bool json, const Action& action) {
  try {
    return action();
  } catch (const Interrupted&) {
    return report("interrupted", "interrupted; nothing was written", kInterruptedExitCode, json);
  } catch (const Error& error) {
    return report(name_of(error.code()), error.what(), exit_code_of(error.code()), json);
  } catch (const Exception& error) {
    return report(error.code(), error.what(), exit_code_of_name(error.code()), json);
  } catch (const std::bad_alloc&) {
    return report(name_of(ErrorCode::kOutOfMemory), "memory is exhausted", exit_code_of(ErrorCode::kOutOfMemory), json);
  } catch (const std::exception& error) {
    return report(name_of(ErrorCode::kInternal), error.what(), exit_code_of(ErrorCode::kInternal), json);
  }
}

int run(int argc, char** argv, bool json) {
  CommandLine line("Burnish compiles ONNX models into engines that run fast, and runs them.", "burnish",
                   "burnish " BURNISH_VERSION, std::string(kFooter));
  std::map<std::string, Action, std::less<>> actions;
  for (const Command* command : kCommands) {
    OptionSet options = line.add_command(std::string(command->name), std::string(command->description),
                                         fmt::format("Examples:\n{}", command->examples));
    actions.emplace(command->name, command->declare(options, line));
  }
  if (argc <= 1) {
    fmt::print("{}", line.help());
    return 0;
  }
  const std::string command = line.parse(argc, argv);
  return command.empty() ? 0 : guarded(json, actions.at(command));
}

}  // namespace
}  // namespace burnish::cli

int main(int argc, char** argv) {
  bool json = false;  // known before parsing, so that errors of parsing come as JSON as well
  for (int i = 1; i < argc; ++i) json |= std::string_view(argv[i]) == "--json";
  return burnish::cli::guarded(json, [&] { return burnish::cli::run(argc, argv, json); });
}
