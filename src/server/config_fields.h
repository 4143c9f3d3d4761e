#pragma once
// Reads the fields of one JSON object and refuses those that nobody asked for. Only the .cc files that parse
// configurations include this.
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"

namespace burnish::server {

using Json = nlohmann::ordered_json;
/// Null, or gains a line for every field that has no effect.
using Notes = std::vector<std::string>*;

template <typename... Args>
[[noreturn]] void refuse_field(const std::string& path, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("{}: {}", path, fmt::format(format, std::forward<Args>(args)...)));
}

void read_value(const Json& json, const std::string& path, std::string& value);
void read_value(const Json& json, const std::string& path, bool& value);
void read_value(const Json& json, const std::string& path, double& value);
void read_value(const Json& json, const std::string& path, int64_t& value);
/// Narrower integers are range checked; so are negative values for unsigned ones.
template <typename T>
requires(std::is_integral_v<T>) void read_value(const Json& json, const std::string& path, T& value) {
  int64_t wide = 0;
  read_value(json, path, wide);
  if (!std::in_range<T>(wide)) refuse_field(path, "{} is out of range", wide);
  value = static_cast<T>(wide);
}

class Fields {
 public:
  /// path: "instance_group[0]", for errors; empty at the top.
  Fields(const Json& object, std::string path);

  /// Null when the field is absent. A field counts as known once it was asked for.
  const Json* find(std::string_view name);
  std::string path_of(std::string_view name) const;

  /// Leaves `value` as it is when the field is absent.
  template <typename T>
  void get(std::string_view name, T& value) {
    if (const Json* field = find(name)) read_value(*field, path_of(name), value);
  }
  template <typename T>
  void get(std::string_view name, std::vector<T>& values) {
    each(name, [&](const Json& element, const std::string& path) { read_value(element, path, values.emplace_back()); });
  }
  /// f(element, its path) for every element of a list; a single value is a list of one.
  template <typename F>
  void each(std::string_view name, const F& f) {
    const Json* field = find(name);
    if (field == nullptr) return;
    if (!field->is_array()) return f(*field, path_of(name));
    for (size_t i = 0; i < field->size(); ++i) f((*field)[i], fmt::format("{}[{}]", path_of(name), i));
  }
  /// f(key, value, its path) for every entry of a map.
  template <typename F>
  void each_entry(std::string_view name, const F& f) {
    const Json* field = find(name);
    if (field == nullptr) return;
    if (!field->is_object()) refuse_field(path_of(name), "an object is wanted");
    for (const auto& [key, value] : field->items()) f(key, value, fmt::format("{}['{}']", path_of(name), key));
  }

  /// Refuses fields that nobody asked for. ignored: known ones without a meaning here; each present gives a note.
  void finish(std::initializer_list<std::string_view> ignored, Notes notes);

 private:
  const Json& object_;
  std::string path_;
  std::set<std::string> known_;
};

/// What would change results and is not there. Throws kUnsupported.
[[noreturn]] void refuse_unsupported(const std::string& path, std::string_view instead);
void refuse_if_true(Fields& fields, std::string_view name, std::string_view instead);

}  // namespace burnish::server
