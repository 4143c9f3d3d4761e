#include "quantize/words.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace burnish {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

bool is_plain(char c) {
  return static_cast<unsigned char>(c) > ' ' && c != 0x7f && c != '"' && c != '\\';
}

std::string escaped(char c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return c == ' ' || is_plain(c) ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
}

/// Takes two hexadecimal digits off the text.
char take_byte(std::string_view& text) {
  int value = 0;
  for (int i = 0; i < 2; ++i) {
    const size_t digit = text.empty() ? std::string_view::npos : kHexDigits.find(text.front());
    check(digit != std::string_view::npos, ErrorCode::kCorrupt, "\\x needs two hexadecimal digits, 0-9 or a-f");
    value = value * 16 + static_cast<int>(digit);
    text.remove_prefix(1);
  }
  return static_cast<char>(value);
}

/// What stands after a backslash.
char take_escape(std::string_view& text) {
  constexpr std::string_view kLetters = "\"\\nrtx", kMeanings = "\"\\\n\r\t";
  const size_t i = text.empty() ? std::string_view::npos : kLetters.find(text.front());
  check(i != std::string_view::npos, ErrorCode::kCorrupt,
        "unknown escape after a backslash: \\\" \\\\ \\n \\r \\t and \\xHH are known");
  text.remove_prefix(1);
  return i < kMeanings.size() ? kMeanings[i] : take_byte(text);
}

/// text starts after the opening quote.
std::string take_quoted(std::string_view& text) {
  std::string word;
  while (true) {
    check(!text.empty(), ErrorCode::kCorrupt, "a quoted name has no closing quote");
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '"') break;
    word += c == '\\' ? take_escape(text) : c;
  }
  check(text.empty() || is_space(text.front()), ErrorCode::kCorrupt, "a space is expected after a closing quote");
  return word;
}

std::string take_plain(std::string_view& text) {
  const auto* end = std::find_if(text.begin(), text.end(), [](char c) { return is_space(c); });
  std::string word(text.begin(), end);
  text.remove_prefix(word.size());
  check(std::all_of(word.begin(), word.end(), is_plain), ErrorCode::kCorrupt,
        "a name with quotes, backslashes or control characters must be quoted");
  return word;
}

}  // namespace

std::string in_quotes(std::string_view word) {
  std::string text = "\"";
  for (const char c : word) text += escaped(c);
  return text + '"';
}

std::string quoted_if_needed(std::string_view word) {
  const bool plain = !word.empty() && word.front() != '#' && std::all_of(word.begin(), word.end(), is_plain);
  return plain ? std::string(word) : in_quotes(word);
}

std::vector<std::string> split_words(std::string_view line) {
  std::vector<std::string> words;
  while (true) {
    while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
    if (line.empty() || line.front() == '#') return words;
    if (line.front() == '"') {
      line.remove_prefix(1);
      words.push_back(take_quoted(line));
    } else {
      words.push_back(take_plain(line));
    }
  }
}

}  // namespace burnish
