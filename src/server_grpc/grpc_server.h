#pragma once
// KServe's v2 protocol with Triton's extensions over gRPC.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/inference_server.h"

namespace burnish::server {

struct GrpcOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 8001;  ///< 0: any that is free.
  /// Set: the methods of management (the repository, settings of traces and of the log) answer at this port only, 0
  /// being any that is free.
  std::optional<uint16_t> management_port;
  std::string management_address;  ///< Empty: `address`.

  std::string tls_certificate_file, tls_key_file;  ///< PEM; both empty: no TLS.
  std::string tls_client_ca_file;                  ///< Set: clients must show a certificate of this authority.
  /// A call must carry one of these as metadata "authorization: Bearer …", except for health checks. Empty: anybody
  /// may.
  std::vector<std::string> tokens;
  std::vector<std::string> management_tokens;  ///< For the methods of management instead; empty: `tokens`.

  size_t max_message_bytes = size_t{64} << 20;  ///< Of a request, decompressed.
  size_t max_metadata_bytes = size_t{16} << 10;
  size_t max_memory_bytes = size_t{1} << 30;  ///< That gRPC may hold for all connections.
  int max_streams_per_connection = 1024;
  int max_requests_in_flight = 4096;  ///< Of all connections; more are refused.
  size_t max_stream_requests = 64;    ///< That one ModelStreamInfer reads ahead of its answers.
  /// Upper bound of a request's deadline; zero: none but the client's own.
  std::chrono::milliseconds max_request_time{0};
  std::chrono::milliseconds keepalive{60000};      ///< Between pings to silent clients; who does not answer is dropped.
  std::chrono::milliseconds idle_timeout{600000};  ///< Connections without calls are closed.
};

class GrpcServer {
 public:
  /// `server` must outlive it.
  GrpcServer(InferenceServer& server, GrpcOptions options);
  /// Stops at once.
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;
  /// Listens; throws Error(kIo) when it cannot, Error(kInvalidArgument) for options that do not fit together.
  void start();
  /// Takes no more calls, waits for those that run, and breaks them off at the deadline.
  void stop(Clock::time_point deadline);
  /// The ports bound to, after start(); management_port: `port` when management has none of its own.
  uint16_t port() const;
  uint16_t management_port() const;

 private:
  struct Listeners;
  std::unique_ptr<Listeners> listeners_;
};

}  // namespace burnish::server
