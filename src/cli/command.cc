#include "cli/command.h"

#include "base/error.h"

namespace burnish::cli {

void add_json_flag(OptionSet& command, OutputFlags& flags) {
  command.flag("--json", flags.json, "Write the result as JSON to stdout; errors too");
}

void add_log_flags(OptionSet& command, OutputFlags& flags) {
  const Option quiet = command.flag("-q,--quiet", flags.quiet, "Say nothing but errors");
  command.flag("-v,--verbose", flags.verbose, "Tell what every pass changed and how long it took").excludes(quiet);
}

LogLevel level_of(const OutputFlags& flags) {
  if (flags.quiet) return LogLevel::kError;
  return flags.verbose ? LogLevel::kVerbose : LogLevel::kInfo;
}

std::string printable(std::string_view text) {
  std::string clean;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
    bool valid = length > 0 && lead < 0xF5 && i + length <= text.size();
    for (size_t k = 1; valid && k < length; ++k) valid = (static_cast<unsigned char>(text[i + k]) & 0xC0U) == 0x80;
    const bool control = length == 1 && (lead < 0x20 || lead == 0x7F) && lead != '\n' && lead != '\t';
    clean += valid && !control ? text.substr(i, length) : "?";
    i += valid ? length : 1;
  }
  return clean;
}

std::pair<std::string, std::string> split_assignment(const std::string& text, std::string_view option) {
  const size_t equals = text.rfind('=');
  check(equals != std::string::npos && equals > 0, ErrorCode::kInvalidArgument, "{} '{}': write NAME=VALUE", option,
        text);
  return {text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace burnish::cli
