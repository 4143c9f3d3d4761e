#include "server_http/settings_json.h"

#include "server_http/json_reader.h"
#include "server_http/json_writer.h"

namespace burnish::server::http {
namespace {

using simdjson::dom::element;

// A setting's value as text, whatever JSON type a client chose for it.
std::string setting_text(element value, const FieldPath& path) {
  std::string_view text;
  bool flag = false;
  if (!value.get(text)) return std::string(text);
  if (!value.get(flag)) return flag ? "true" : "false";
  if (value.is_int64() || value.is_uint64()) return simdjson::to_string(value);
  path.fail("must be a string, a number, true, false, an array of strings, or null");
}

bool is_number(std::string_view text) {
  if (text.empty() || text.size() > 9 || (text.size() > 1 && text[0] == '0')) return false;
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

Settings read_settings(simdjson::dom::element json) {
  Settings settings;
  for (const auto [key, value] : read_object(json, {{}, 0, "body"})) {
    const FieldPath path{{}, 0, key};
    std::vector<std::string>& values = settings.emplace_back(std::string(key), std::vector<std::string>()).second;
    if (value.is_null()) continue;
    if (!value.is_array()) {
      values.push_back(setting_text(value, path));
      continue;
    }
    for (const element item : simdjson::dom::array(value)) values.push_back(setting_text(item, path));
  }
  return settings;
}

std::string settings_json(const Settings& settings, bool typed) {
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  for (const auto& [name, values] : settings) {
    json.key(name);
    const std::string_view value = values.empty() ? std::string_view() : values.front();
    if (values.size() > 1 || name == "trace_level") {
      json.strings(values);
    } else if (typed && (value == "true" || value == "false" || is_number(value))) {
      json.raw(value);
    } else {
      json.string(value);
    }
  }
  json.end_object();
  return text;
}

}  // namespace burnish::server::http
