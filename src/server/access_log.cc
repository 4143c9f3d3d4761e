#include "server/access_log.h"

#include <fmt/format.h>

#include <chrono>
#include <ctime>

#include "server/json_text.h"

namespace burnish::server {

std::string access_line(const InferenceServer::Access& access, uint64_t time_us) {
  std::string line = R"({"time":")" + iso_time(time_us) + '"';
  const std::pair<std::string_view, std::string_view> texts[] = {
      {"protocol", access.protocol}, {"peer", access.peer},   {"method", access.method},
      {"target", access.target},     {"model", access.model}, {"id", access.id}};
  for (const auto& [name, text] : texts) {
    if (text.empty()) continue;
    line.append(",\"").append(name).append("\":");
    append_json_text(text, line);
  }
  fmt::format_to(std::back_inserter(line),
                 R"(,"status":{},"request_bytes":{},"response_bytes":{},"duration_us":{}}})"
                 "\n",
                 access.status, access.request_bytes, access.response_bytes, access.duration_us);
  return line;
}

void AccessLog::write(const InferenceServer::Access& access) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto time_us = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
  if (const uint64_t dropped = dropped_.exchange(0)) {
    const std::string note = fmt::format(R"({{"time":"{}","dropped":{}}})", iso_time(time_us), dropped) + "\n";
    if (!writer_.append(note)) dropped_ += dropped;
  }
  if (!writer_.append(access_line(access, time_us))) ++dropped_;
}

}  // namespace burnish::server
