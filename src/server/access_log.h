#pragma once
// One line of JSON for every request.
#include <atomic>
#include <string>

#include "server/bounded_writer.h"
#include "server/inference_server.h"

namespace burnish::server {

/// The line, with its newline. `time_us`: since 1970.
std::string access_line(const InferenceServer::Access& access, uint64_t time_us);

/// Never waits for the disk: lines that come faster than it takes them are dropped, and a line tells how many.
class AccessLog {
 public:
  /// See BoundedWriter.
  explicit AccessLog(const std::string& path) : path_(path), writer_(path) {}
  void write(const InferenceServer::Access& access);
  /// Of those who rotate logs.
  void reopen() { writer_.switch_to(path_); }

 private:
  const std::string path_;
  BoundedWriter writer_;
  std::atomic<uint64_t> dropped_{0};  // since the last line that told
};

}  // namespace burnish::server
