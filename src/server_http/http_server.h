#pragma once
// KServe v2 and Triton's extensions over HTTP/1.1.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "server/inference_server.h"

namespace burnish::server {

struct HttpOptions {
  std::string address = "127.0.0.1";  ///< An IPv4 or IPv6 address; "0.0.0.0" and "::" are all of the machine's.
  uint16_t port = 8000;               ///< 0: any that is free.
  /// Set: the management endpoints (repository, trace, logging, metrics, live page) answer at this port only, 0 being
  /// any that is free.
  std::optional<uint16_t> management_port;
  std::string management_address;  ///< Empty: `address`.
  int threads = 0;                 ///< That read and write; 0: one a core, four at most.

  std::string tls_certificate_file, tls_key_file;  ///< PEM; both empty: no TLS.
  /// A request must carry one of these as "Authorization: Bearer …", except for the health endpoints and the live
  /// page's text. Empty: anybody may.
  std::vector<std::string> tokens;
  std::vector<std::string> management_tokens;  ///< For the management endpoints instead; empty: `tokens`.

  size_t max_header_bytes = size_t{16} << 10;
  size_t max_body_bytes = size_t{64} << 20;  ///< As sent, and once more after decompression.
  size_t max_json_bytes = size_t{16} << 20;  ///< Of a body, its JSON; reading takes some fifteen times as much memory.
  size_t max_inflight_bytes = size_t{1} << 30;  ///< Bodies of all requests together.
  size_t max_connections = 1024;
  std::chrono::milliseconds idle_timeout{60000};  ///< Between a connection's requests.
  /// A request must have arrived, and its answer be taken, within these plus its bytes over min_bytes_per_second.
  std::chrono::milliseconds read_timeout{20000}, write_timeout{20000};
  uint64_t min_bytes_per_second = uint64_t{64} << 10;
  Reporter reporter;  ///< Called from any thread.
};

/// Threads that serve HTTP from start() to stop().
class HttpServer {
 public:
  /// Throws Error when an option or the certificate is not usable. `server` must outlive this.
  HttpServer(InferenceServer& server, HttpOptions options);
  /// Stops at once.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Binds and returns. Throws Error (kIo) that names the address.
  void start();
  /// Accepts nothing more, lets requests that have begun end until `deadline`, then closes what is left.
  void stop(Clock::time_point deadline);

  /// The ports bound to, after start().
  uint16_t port() const;
  uint16_t management_port() const;
  size_t num_connections() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace burnish::server
