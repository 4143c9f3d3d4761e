#include "cli/options.h"

#include <CLI/CLI.hpp>

#include "base/error.h"

namespace burnish::cli {

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::value_name(const std::string& name) {
  option_->type_name(name);
  return *this;
}

Option& Option::group(const std::string& name) {
  option_->group(name);
  return *this;
}

Option& Option::excludes(const Option& other) {
  option_->excludes(other.option_);
  return *this;
}

Option& Option::needs(const Option& other) {
  option_->needs(other.option_);
  return *this;
}

Option& Option::show_default() {
  option_->capture_default_str();
  return *this;
}

Option& Option::one_of(std::initializer_list<std::string> values) {
  option_->check(CLI::IsMember(std::vector<std::string>(values)));
  return *this;
}

Option OptionSet::flag(const std::string& names, bool& variable, const std::string& help) {
  return Option(app_->add_flag(names, variable, help));
}

Option OptionSet::add(const std::string& names, std::string& variable, const std::string& help) {
  return Option(app_->add_option(names, variable, help));
}

Option OptionSet::add(const std::string& names, int& variable, const std::string& help) {
  return Option(app_->add_option(names, variable, help));
}

Option OptionSet::add(const std::string& names, uint64_t& variable, const std::string& help) {
  return Option(app_->add_option(names, variable, help));
}

Option OptionSet::add(const std::string& names, double& variable, const std::string& help) {
  return Option(app_->add_option(names, variable, help));
}

Option OptionSet::add(const std::string& names, std::vector<std::string>& variable, const std::string& help) {
  return Option(app_->add_option(names, variable, help)->allow_extra_args(false));
}

Option OptionSet::add_bytes(const std::string& names, int64_t& variable, const std::string& help) {
  return Option(app_->add_option(names, variable, help)->transform(CLI::AsSizeValue(false)));
}

CommandLine::CommandLine(const std::string& description, const std::string& name, const std::string& version,
                         const std::string& footer)
    : app_(std::make_unique<CLI::App>(description, name)) {
  app_->footer(footer);
  app_->set_version_flag("--version", version);
  app_->require_subcommand(1);
}

CommandLine::~CommandLine() = default;

OptionSet CommandLine::add_command(const std::string& name, const std::string& description, const std::string& footer) {
  CLI::App* command = app_->add_subcommand(name, description);
  command->footer(footer);
  return OptionSet(command);
}

std::string CommandLine::help() const {
  return app_->help();
}

std::string CommandLine::parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0)
      throw Error(ErrorCode::kInvalidArgument, error.what()).with_hint("see `burnish --help`");
    app_->exit(error);  // prints what was asked for
    return {};
  }
  return app_->get_subcommands().front()->get_name();
}

std::vector<CommandWords> CommandLine::words() const {
  std::vector<CommandWords> commands;
  for (const CLI::App* sub : std::as_const(*app_).get_subcommands([](const CLI::App*) { return true; })) {
    CommandWords words{sub->get_name(), sub->get_description(), {}};
    for (const CLI::Option* option : sub->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        words.options.emplace_back("--" + name, option->get_description());
      }
    }
    commands.push_back(std::move(words));
  }
  return commands;
}

}  // namespace burnish::cli
