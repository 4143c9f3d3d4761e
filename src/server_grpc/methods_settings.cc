#include "server_grpc/methods_settings.h"

#include <charconv>

namespace burnish::server {
namespace {

std::string text_of(const inference::LogSettingsRequest::SettingValue& value) {
  if (value.has_bool_param()) return value.bool_param() ? "true" : "false";
  if (value.has_uint32_param()) return std::to_string(value.uint32_param());
  return value.string_param();
}

void set_value(const std::string& text, inference::LogSettingsResponse::SettingValue& value) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text == "true" || text == "false") {
    value.set_bool_param(text == "true");
  } else if (error == std::errc() && end == text.data() + text.size()) {
    value.set_uint32_param(number);
  } else {
    value.set_string_param(text);
  }
}

}  // namespace

Status trace_setting(InferenceServer& server, const inference::TraceSettingRequest& request,
                     inference::TraceSettingResponse& response) {
  Settings change, now;
  for (const auto& [name, value] : request.settings()) {
    change.emplace_back(name, std::vector<std::string>(value.value().begin(), value.value().end()));
  }
  Status status = server.trace_settings(request.model_name(), change, now);
  for (const auto& [name, values] : now) {
    auto& setting = (*response.mutable_settings())[name];
    for (const std::string& value : values) setting.add_value(value);
  }
  return status;
}

Status log_settings(InferenceServer& server, const inference::LogSettingsRequest& request,
                    inference::LogSettingsResponse& response) {
  Settings change, now;
  for (const auto& [name, value] : request.settings()) change.push_back({name, {text_of(value)}});
  Status status = server.log_settings(change, now);
  for (const auto& [name, values] : now) {
    set_value(values.empty() ? std::string() : values.front(), (*response.mutable_settings())[name]);
  }
  return status;
}

}  // namespace burnish::server
