#pragma once
// A command's options: a thin face of CLI11, which only options.cc includes (reading it takes four seconds a file).
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming)
class App;
class Option;
}  // namespace CLI

namespace burnish::cli {

/// One option, to say more of it.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}
  Option& required();
  /// What stands for the value in --help, such as "FILE".
  Option& value_name(const std::string& name);
  /// The heading it stands under in --help.
  Option& group(const std::string& name);
  Option& excludes(const Option& other);
  Option& needs(const Option& other);
  /// The variable's present value is shown in --help.
  Option& show_default();
  Option& one_of(std::initializer_list<std::string> values);

 private:
  CLI::Option* option_;
};

/// The options of one command. Variables must outlive parsing. Names are "--long", "-s,--long" or, for an argument
/// that is told by its place, "name".
class OptionSet {
 public:
  explicit OptionSet(CLI::App* app) : app_(app) {}
  Option flag(const std::string& names, bool& variable, const std::string& help);
  Option add(const std::string& names, std::string& variable, const std::string& help);
  Option add(const std::string& names, int& variable, const std::string& help);
  Option add(const std::string& names, uint64_t& variable, const std::string& help);
  Option add(const std::string& names, double& variable, const std::string& help);
  /// May be repeated; each takes one value.
  Option add(const std::string& names, std::vector<std::string>& variable, const std::string& help);
  /// A number of bytes, such as 500MB.
  Option add_bytes(const std::string& names, int64_t& variable, const std::string& help);

 private:
  CLI::App* app_;
};

/// A command's words, for completion scripts.
struct CommandWords {
  std::string name, description;
  std::vector<std::pair<std::string, std::string>> options;  ///< "--json" and what it does.
};

/// The program's whole command line.
class CommandLine {
 public:
  CommandLine(const std::string& description, const std::string& name, const std::string& version,
              const std::string& footer);
  ~CommandLine();
  OptionSet add_command(const std::string& name, const std::string& description, const std::string& footer);
  std::string help() const;
  /// The command's name; empty where help or the version was asked for and has been printed. Throws kInvalidArgument
  /// with the reason.
  std::string parse(int argc, char** argv);
  std::vector<CommandWords> words() const;

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace burnish::cli
