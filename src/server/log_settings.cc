#include "server/log_settings.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

#include "base/error.h"
#include "server/json_text.h"

namespace burnish::server {
namespace {

bool parse_bool(const std::string& name, const std::string& text) {
  check(text == "true" || text == "false", ErrorCode::kInvalidArgument, "log setting '{}': '{}' is not true or false",
        name, text);
  return text == "true";
}

uint32_t parse_verbosity(const std::string& text) {
  uint32_t level = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), level);
  check(error == std::errc() && end == text.data() + text.size(), ErrorCode::kInvalidArgument,
        "log setting 'log_verbose_level': '{}' is not a number", text);
  return level;
}

bool parse_format(const std::string& text) {
  check(text == "default" || text == "ISO8601", ErrorCode::kInvalidArgument,
        "log setting 'log_format': '{}' is none of default, ISO8601", text);
  return text == "ISO8601";
}

std::string words(bool value) {
  return value ? "true" : "false";
}

}  // namespace

void ServerLog::log(LogLevel level, const std::string& text) const {
  const bool wanted = level == LogLevel::kError     ? error_.load()
                      : level == LogLevel::kWarning ? warning_.load()
                      : level == LogLevel::kInfo    ? info_.load()
                                                    : verbose_.load() > 0;
  if (!wanted || !sink_) return;
  if (!iso_time_) return sink_(level, text);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto us = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
  sink_(level, iso_time(us) + " " + text);
}

Status ServerLog::settings(const Settings& change, Settings& now) {
  bool error = error_, warning = warning_, info = info_, iso = iso_time_;
  uint32_t verbose = verbose_;
  try {
    for (const auto& [name, values] : change) {
      check(values.size() == 1, ErrorCode::kInvalidArgument, "log setting '{}' takes one value and got {}", name,
            values.size());
      if (name == "log_error") {
        error = parse_bool(name, values[0]);
      } else if (name == "log_warning") {
        warning = parse_bool(name, values[0]);
      } else if (name == "log_info") {
        info = parse_bool(name, values[0]);
      } else if (name == "log_verbose_level") {
        verbose = parse_verbosity(values[0]);
      } else if (name == "log_format") {
        iso = parse_format(values[0]);
      } else {
        throw_error(ErrorCode::kInvalidArgument,
                    "log setting '{}' cannot be set here; log_error, log_warning, log_info, log_verbose_level and "
                    "log_format can",
                    name);
      }
    }
  } catch (const Error& e) {
    return {StatusCode::kInvalidArgument, e.what()};
  }
  error_ = error;
  warning_ = warning;
  info_ = info;
  verbose_ = verbose;
  iso_time_ = iso;
  now = {{"log_file", {""}},
         {"log_info", {words(info)}},
         {"log_warning", {words(warning)}},
         {"log_error", {words(error)}},
         {"log_verbose_level", {std::to_string(verbose)}},
         {"log_format", {iso ? "ISO8601" : "default"}}};
  return {};
}

}  // namespace burnish::server
