// burnish: the command line.
#include <burnish/engine.h>
#include <fmt/format.h>

#include <cstdio>
#include <new>

#include "base/error.h"
#include "cli/command.h"
#include "cli/interrupt.h"

namespace burnish::cli {
namespace {

constexpr const Command* kCommands[] = {&kBuild, &kRun, &kBench, &kCompare, &kInspect, &kCompletion};

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
  } catch (const CLI::Error& error) {
    return report(name_of(ErrorCode::kInvalidArgument), error.what(), exit_code_of(ErrorCode::kInvalidArgument), json);
  } catch (const std::bad_alloc&) {
    return report(name_of(ErrorCode::kOutOfMemory), "memory is exhausted", exit_code_of(ErrorCode::kOutOfMemory), json);
  } catch (const std::exception& error) {
    return report(name_of(ErrorCode::kInternal), error.what(), exit_code_of(ErrorCode::kInternal), json);
  }
}

int run(int argc, char** argv, bool json) {
  CLI::App app("Burnish compiles ONNX models into engines that run fast, and runs them.", "burnish");
  app.footer(std::string(kFooter));
  app.set_version_flag("--version", "burnish " BURNISH_VERSION);
  app.require_subcommand(1);
  std::map<std::string, Action> actions;
  for (const Command* command : kCommands) {
    CLI::App* sub = app.add_subcommand(std::string(command->name), std::string(command->description));
    sub->footer(fmt::format("Examples:\n{}", command->examples));
    actions[std::string(command->name)] = command->declare(*sub);
  }
  if (argc <= 1) {
    fmt::print("{}", app.help());
    return 0;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help and --version
    throw Error(ErrorCode::kInvalidArgument, error.what()).with_hint("see `burnish --help`");
  }
  return guarded(json, actions.at(app.get_subcommands().front()->get_name()));
}

}  // namespace
}  // namespace burnish::cli

int main(int argc, char** argv) {
  bool json = false;  // known before parsing, so that errors of parsing come as JSON as well
  for (int i = 1; i < argc; ++i) json |= std::string_view(argv[i]) == "--json";
  return burnish::cli::guarded(json, [&] { return burnish::cli::run(argc, argv, json); });
}
