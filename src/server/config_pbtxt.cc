#include "server/config_pbtxt.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace burnish::server {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxDepth = 32;
/// Fields of ModelConfig and its parts whose entries are {key, value}.
constexpr std::string_view kMaps[] = {"parameters",  "input_map", "output_map",         "priority_queue_policy",
                                      "metric_tags", "inputs",    "cc_model_filenames", "properties"};

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-' || c == '+';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Json parse() {
    Json message = parse_fields('\0', 0);
    return message;
  }

 private:
  [[noreturn]] void refuse(const std::string& reason) const {
    const std::string_view before = text_.substr(0, std::min(at_, text_.size()));
    const auto line = 1 + std::ranges::count(before, '\n');
    const size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    throw_error(ErrorCode::kInvalidArgument, "line {}, column {}: {}", line, before.size() - start + 1, reason);
  }

  void skip_space() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
        ++at_;
      } else {
        return;
      }
    }
  }

  /// The next character that is no space; '\0' at the end.
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool accept(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }

  std::string_view word() {
    skip_space();
    const size_t start = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }

  /// Fields up to `close` ('\0': the end of the text).
  Json parse_fields(char close, int depth) {
    if (depth > kMaxDepth) refuse("messages are nested too deep");
    Json message = Json::object();
    while (peek() != close || (close == '\0' && at_ < text_.size())) {
      if (at_ >= text_.size()) refuse(fmt::format("'{}' is missing", close));
      const std::string name(word());
      if (name.empty()) refuse(fmt::format("the name of a field is wanted, not '{}'", text_[at_]));
      const bool colon = accept(':');
      add_field(message, name, parse_value(colon, depth));
      if (!accept(',')) accept(';');
    }
    if (close != '\0') ++at_;
    return message;
  }

  /// A field that stands several times is a list.
  void add_field(Json& message, const std::string& name, Json value) {
    if (std::ranges::find(kMaps, name) != std::end(kMaps)) return add_entries(message[name], std::move(value));
    if (!message.contains(name)) {
      message[name] = std::move(value);
      return;
    }
    Json& present = message[name];
    if (!present.is_array()) present = Json::array({std::move(present)});
    if (!value.is_array()) value = Json::array({std::move(value)});
    for (Json& element : value) present.push_back(std::move(element));
  }

  void add_entries(Json& map, Json value) {
    if (map.is_null()) map = Json::object();
    if (!value.is_array()) value = Json::array({std::move(value)});
    for (Json& entry : value) {
      if (!entry.is_object() || !entry.contains("key")) refuse("an entry of a map has a key and a value");
      const Json& key = entry["key"];
      map[key.is_string() ? key.get<std::string>() : key.dump()] =
          entry.contains("value") ? entry["value"] : Json::object();
    }
  }

  Json parse_value(bool colon, int depth) {
    const char next = peek();
    if (next == '{' || next == '<') {
      ++at_;
      return parse_fields(next == '{' ? '}' : '>', depth + 1);
    }
    if (next == '[') return parse_list(colon, depth);
    if (!colon) refuse("':' or '{' is wanted");
    if (next == '"' || next == '\'') return parse_string();
    return parse_scalar();
  }

  Json parse_list(bool colon, int depth) {
    if (depth > kMaxDepth) refuse("lists are nested too deep");
    ++at_;
    Json list = Json::array();
    if (accept(']')) return list;
    do {
      list.push_back(parse_value(colon, depth + 1));
    } while (accept(','));
    if (!accept(']')) refuse("',' or ']' is wanted");
    return list;
  }

  /// Neighbouring strings are joined.
  Json parse_string() {
    std::string value;
    while (peek() == '"' || peek() == '\'') {
      const char quote = text_[at_++];
      while (true) {
        if (at_ >= text_.size() || text_[at_] == '\n') refuse("a string does not end");
        const char c = text_[at_++];
        if (c == quote) break;
        value += c == '\\' ? parse_escape() : c;
      }
    }
    return value;
  }

  char parse_escape() {
    if (at_ >= text_.size()) refuse("a string does not end");
    const char c = text_[at_++];
    constexpr std::string_view kNames = "abfnrtv\\'\"?";
    constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\'\"?";
    const size_t simple = kNames.find(c);
    if (simple != std::string_view::npos) return kValues[simple];
    if (c == 'x') return parse_code(16, 2);
    --at_;
    return parse_code(8, 3);
  }

  char parse_code(int base, size_t most_digits) {
    unsigned code = 0;
    const std::string_view digits = text_.substr(at_, most_digits);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, base);
    if (error != std::errc() || code > 255) refuse("an unknown escape in a string");
    at_ += static_cast<size_t>(end - digits.data());
    return static_cast<char>(code);
  }

  /// A number, true, false, or the name of an enum's value.
  Json parse_scalar() {
    const std::string_view text = word();
    if (text.empty())
      refuse(at_ < text_.size() ? fmt::format("a value is wanted, not '{}'", text_[at_]) : "a value is wanted");
    if (text == "true" || text == "True" || text == "t") return true;
    if (text == "false" || text == "False" || text == "f") return false;
    int64_t integer = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), integer);
    if (error == std::errc() && end == text.data() + text.size()) return integer;
    double real = 0;
    const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), real);
    if (failure == std::errc() && (stop == text.data() + text.size() || std::string_view(stop, 1) == "f")) return real;
    if (std::isalpha(static_cast<unsigned char>(text[0])) == 0) refuse(fmt::format("'{}' is no value", text));
    return std::string(text);
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::string pbtxt_to_json(std::string_view text) {
  return Parser(text).parse().dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace burnish::server
