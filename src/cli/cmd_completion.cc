// burnish completion: scripts that let shells complete commands, options and files.
#include <fmt/format.h>

#include "base/error.h"
#include "cli/command.h"

namespace burnish::cli {
namespace {

std::string names_of(const std::vector<CommandWords>& commands) {
  std::string names;
  for (const CommandWords& command : commands) names += (names.empty() ? "" : " ") + command.name;
  return names;
}

std::string options_of(const CommandWords& command) {
  std::string names;
  for (const auto& [name, description] : command.options) names += (names.empty() ? "" : " ") + name;
  return names;
}

std::string bash_script(const std::vector<CommandWords>& commands) {
  std::string cases;
  for (const CommandWords& c : commands) cases += fmt::format("    {}) words=\"{}\" ;;\n", c.name, options_of(c));
  return fmt::format(R"(_burnish() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{} --help --version" -- "$current"))
    return
  fi
  case "${{COMP_WORDS[1]}}" in
{}  esac
  if [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  else
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}}
complete -o filenames -F _burnish burnish
)",
                     names_of(commands), cases);
}

std::string zsh_script(const std::vector<CommandWords>& commands) {
  std::string cases;
  for (const CommandWords& c : commands) cases += fmt::format("    {}) compadd -- {} ;;\n", c.name, options_of(c));
  return fmt::format(R"(#compdef burnish
_burnish() {{
  if (( CURRENT == 2 )); then
    compadd -- {} --help --version
    return
  fi
  if [[ "$words[CURRENT]" != -* ]]; then
    _files
    return
  fi
  case "$words[2]" in
{}  esac
}}
compdef _burnish burnish
)",
                     names_of(commands), cases);
}

std::string fish_quote(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return quoted + "'";
}

std::string fish_script(const std::vector<CommandWords>& commands) {
  std::string script;
  for (const CommandWords& c : commands) {
    script +=
        fmt::format("complete -c burnish -n __fish_use_subcommand -f -a {} -d {}\n", c.name, fish_quote(c.description));
    for (const auto& [name, description] : c.options) {
      script += fmt::format("complete -c burnish -n '__fish_seen_subcommand_from {}' -l {} -d {}\n", c.name,
                            name.substr(2), fish_quote(description));
    }
  }
  return script;
}

Action declare(OptionSet& command, const CommandLine& line) {
  auto shell = std::make_shared<std::string>();
  command.add("shell", *shell, "bash, zsh or fish").required().one_of({"bash", "zsh", "fish"});
  return [shell, &line] {
    const auto commands = line.words();
    fmt::print("{}", *shell == "bash"  ? bash_script(commands)
                     : *shell == "zsh" ? zsh_script(commands)
                                       : fish_script(commands));
    return 0;
  };
}

}  // namespace

const Command kCompletion = {"completion", "Print a completion script for a shell",
                             R"(  burnish completion bash > ~/.local/share/bash-completion/completions/burnish
  burnish completion zsh > "${fpath[1]}/_burnish"
  burnish completion fish > ~/.config/fish/completions/burnish.fish)",
                             declare};

}  // namespace burnish::cli
