#include "server/config_fields.h"

#include <charconv>

namespace burnish::server {
namespace {

std::string camel_case(std::string_view name) {
  std::string result;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool joint = name[i] == '_' && i + 1 < name.size();
    result += joint ? static_cast<char>(std::toupper(static_cast<unsigned char>(name[++i]))) : name[i];
  }
  return result;
}

[[noreturn]] void refuse_type(const Json& json, const std::string& path, std::string_view wanted) {
  refuse_field(path, "{} is wanted, not {}", wanted, json.dump(-1, ' ', true, Json::error_handler_t::replace));
}

}  // namespace

void read_value(const Json& json, const std::string& path, std::string& value) {
  if (!json.is_string()) refuse_type(json, path, "a string");
  value = json.get<std::string>();
}

void read_value(const Json& json, const std::string& path, bool& value) {
  if (!json.is_boolean()) refuse_type(json, path, "true or false");
  value = json.get<bool>();
}

void read_value(const Json& json, const std::string& path, double& value) {
  if (!json.is_number()) refuse_type(json, path, "a number");
  value = json.get<double>();
}

void read_value(const Json& json, const std::string& path, int64_t& value) {
  if (json.is_string()) {  // how protobuf writes 64-bit integers
    const auto& text = json.get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || text.empty()) refuse_type(json, path, "an integer");
    return;
  }
  const bool fits = json.is_number_unsigned() ? std::in_range<int64_t>(json.get<uint64_t>()) : json.is_number_integer();
  if (!fits) refuse_type(json, path, "an integer");
  value = json.get<int64_t>();
}

Fields::Fields(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
  if (!object.is_object()) refuse_type(object, path_.empty() ? "the configuration" : path_, "an object");
}

const Json* Fields::find(std::string_view name) {
  const std::string camel = camel_case(name);
  known_.emplace(name);
  known_.insert(camel);
  auto found = object_.find(std::string(name));
  if (found == object_.end()) found = object_.find(camel);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::string Fields::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

void Fields::finish(std::initializer_list<std::string_view> ignored, Notes notes) {
  for (const std::string_view name : ignored) {
    if (find(name) != nullptr && notes != nullptr) notes->push_back(fmt::format("{} has no effect", path_of(name)));
  }
  for (const auto& [name, value] : object_.items()) {
    if (!known_.contains(name)) refuse_field(path_of(name), "there is no such field");
  }
}

void refuse_unsupported(const std::string& path, std::string_view instead) {
  throw Error(ErrorCode::kUnsupported, fmt::format("{} is not supported", path)).with_hint(std::string(instead));
}

void refuse_if_true(Fields& fields, std::string_view name, std::string_view instead) {
  bool value = false;
  fields.get(name, value);
  if (value) refuse_unsupported(fields.path_of(name), instead);
}

}  // namespace burnish::server
