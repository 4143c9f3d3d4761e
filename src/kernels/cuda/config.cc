#include "kernels/cuda/config.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace burnish::cuda {
namespace {

int parse_int(std::string_view text, std::string_view config) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check(error == std::errc() && end == text.data() + text.size(), ErrorCode::kCorrupt,
        "'{}' is no number in the configuration '{}'", text, config);
  return value;
}

}  // namespace

std::string arch_of(std::string_view config) {
  const std::string_view word = config.substr(0, config.find(' '));
  check(word.starts_with("sm_") && word.size() > 3, ErrorCode::kCorrupt, "the configuration '{}' names no architecture",
        config);
  return std::string(word);
}

int sm_of(std::string_view config) {
  const std::string arch = arch_of(config);
  std::string_view digits = std::string_view(arch).substr(3);
  if (digits.ends_with('a')) digits.remove_suffix(1);
  return parse_int(digits, config);
}

std::string_view text_of(std::string_view config, std::string_view name) {
  for (size_t at = config.find(name); at != std::string_view::npos; at = config.find(name, at + 1)) {
    const size_t value = at + name.size() + 1;
    const bool is_word = at > 0 && config[at - 1] == ' ' && value <= config.size() && config[value - 1] == '=';
    if (is_word) return config.substr(value, config.find(' ', value) - value);
  }
  return {};
}

int int_of(std::string_view config, std::string_view name, int fallback) {
  const std::string_view text = text_of(config, name);
  return text.empty() ? fallback : parse_int(text, config);
}

std::vector<int> ints_of(std::string_view config, std::string_view name, size_t count) {
  std::vector<int> values;
  std::string_view rest = text_of(config, name);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('x'), rest.size());
    values.push_back(parse_int(rest.substr(0, end), config));
    rest.remove_prefix(std::min(rest.size(), end + 1));
  }
  const bool positive = std::all_of(values.begin(), values.end(), [](int v) { return v > 0; });
  check(values.size() == count && positive, ErrorCode::kCorrupt, "the configuration '{}' names no {} {}s", config,
        count, name);
  return values;
}

}  // namespace burnish::cuda
