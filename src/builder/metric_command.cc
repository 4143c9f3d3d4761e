#include "builder/metric_command.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/error.h"

namespace burnish {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostText = 65536;

/// As one word of the shell's.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? "'\\''" : std::string(1, c);
  return result + "'";
}

/// What the command prints, or the end of it. Throws kInvalidArgument when it fails.
std::string output_of(const std::string& command, const std::string& argument) {
  struct Close {
    void operator()(FILE* f) const { ::pclose(f); }
  };
  std::unique_ptr<FILE, Close> pipe(::popen((command + " " + quoted(argument)).c_str(), "r"));
  check(pipe != nullptr, ErrorCode::kIo, "cannot start the metric's command '{}'", command);
  std::string text;
  std::array<char, 256> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr) {
    text += buffer.data();
    if (text.size() > kMostText) text.erase(0, text.size() - kMostText / 2);
  }
  const int status = ::pclose(pipe.release());
  check(status == 0, ErrorCode::kInvalidArgument, "the metric's command '{}' failed with status {}", command,
        WIFEXITED(status) ? WEXITSTATUS(status) : status);
  return text;
}

/// The last word that is printed.
double parse_metric(const std::string& text, const std::string& command) {
  const size_t end = text.find_last_not_of(" \t\r\n") + 1;
  const size_t begin = end == 0 ? 0 : text.find_last_of(" \t\r\n", end - 1) + 1;
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data() + begin, text.data() + end, value);
  const bool is_number = end > 0 && error == std::errc{} && stop == text.data() + end && std::isfinite(value);
  check(is_number, ErrorCode::kInvalidArgument,
        "the metric's command '{}' printed '{}': its last word must be a number", command, text.substr(0, 200));
  return value;
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (fs::temp_directory_path() / "burnish-metric-XXXXXX").string();
  check(::mkdtemp(pattern.data()) != nullptr, ErrorCode::kIo, "cannot make a temporary folder like '{}'", pattern);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

double measure_by_command(const std::string& command, const std::string& folder) {
  return parse_metric(output_of(command, folder), command);
}

}  // namespace burnish
