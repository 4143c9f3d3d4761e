#pragma once
// Which of the server's messages are told, and how: Triton's log settings.
#include <atomic>
#include <functional>
#include <string>

#include "base/log.h"
#include "server/inference_server.h"

namespace burnish::server {

/// Thread-safe.
class ServerLog {
 public:
  using Sink = std::function<void(LogLevel level, const std::string& text)>;
  /// verbose: log_verbose_level, of which 0 is silent. The sink may be empty.
  explicit ServerLog(Sink sink, uint32_t verbose = 0) : sink_(std::move(sink)), verbose_(verbose) {}
  void log(LogLevel level, const std::string& text) const;
  /// All or nothing is changed.
  Status settings(const Settings& change, Settings& now);

 private:
  Sink sink_;
  std::atomic<bool> error_{true}, warning_{true}, info_{true}, iso_time_{false};
  std::atomic<uint32_t> verbose_;
};

}  // namespace burnish::server
