#pragma once
// JSON by appending to a string: what answers are made of.
#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace burnish::server::http {

/// Shortest form that reads back equal. Floats that JSON has no word for become NaN, Infinity, -Infinity, as Triton's
/// and Python's do.
template <typename Number>
void append_number(std::string& out, Number value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}
template <std::floating_point Number>
void append_number(std::string& out, Number value) {
  if (value != value) {
    out += "NaN";
  } else if (value - value != 0) {
    out += value > 0 ? "Infinity" : "-Infinity";
  } else {
    char digits[32];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }
}

/// Quoted and escaped; bytes that are no UTF-8 become U+FFFD.
void append_string(std::string& out, std::string_view text);

/// Writes the commas. Keys must need no escaping.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name) {
    separate();
    out_.append("\"").append(name).append("\":");
    first_ = true;
    return *this;
  }
  JsonWriter& string(std::string_view text) {
    separate();
    append_string(out_, text);
    return *this;
  }
  template <typename Number>
  JsonWriter& number(Number value) {
    separate();
    append_number(out_, value);
    return *this;
  }
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  /// Text that is JSON already.
  JsonWriter& raw(std::string_view json) {
    separate();
    out_ += json;
    return *this;
  }
  JsonWriter& field(std::string_view name, std::string_view text) { return key(name).string(text); }
  template <std::integral Number>
  JsonWriter& field(std::string_view name, Number value) {
    return key(name).number(value);
  }
  template <typename Numbers>
  JsonWriter& numbers(const Numbers& values) {
    begin_array();
    for (const auto value : values) number(value);
    return end_array();
  }
  template <typename Strings>
  JsonWriter& strings(const Strings& values) {
    begin_array();
    for (const auto& value : values) string(value);
    return end_array();
  }

 private:
  JsonWriter& open(char bracket) {
    separate();
    out_ += bracket;
    first_ = true;
    return *this;
  }
  JsonWriter& close(char bracket) {
    out_ += bracket;
    first_ = false;
    return *this;
  }
  void separate() {
    if (!first_) out_ += ',';
    first_ = false;
  }

  std::string& out_;
  bool first_ = true;
};

}  // namespace burnish::server::http
