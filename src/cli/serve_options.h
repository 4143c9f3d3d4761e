#pragma once
// What `burnish serve` can be told, and what of it goes to whom.
#include "cli/command.h"
#include "server/local_server.h"
#include "server_grpc/grpc_server.h"
#include "server_http/http_server.h"

namespace burnish::cli {

struct ServeOptions {
  std::string repository;
  std::string host = "127.0.0.1", management_host;
  int http_port = 8000, grpc_port = 8001;
  int http_management_port = -1, grpc_management_port = -1;
  bool no_http = false, no_grpc = false;

  std::string model_control = "none";
  std::vector<std::string> load_models;
  double poll_s = 5;
  std::string engine_cache;
  bool map_engines = false;
  bool exit_on_error = false;

  std::string tls_certificate, tls_key, tls_client_ca;
  std::string token_file, management_token_file;

  int64_t max_body_bytes = int64_t{64} << 20;
  int64_t max_header_bytes = int64_t{16} << 10;
  int max_connections = 1024;
  int max_queue_size = 4096;
  int http_threads = 0;
  double idle_timeout_s = 60;
  double drain_s = 30, shutdown_delay_s = 0;
  int64_t response_cache_bytes = int64_t{64} << 20;
  bool no_shared_memory = false;

  std::string access_log, trace_file;
  int trace_rate = 0;
  OutputFlags flags;
};

void declare_serve_options(OptionSet& command, ServeOptions& options);

/// All throw kInvalidArgument naming the option.
server::HttpOptions http_options_of(const ServeOptions& options);
server::GrpcOptions grpc_options_of(const ServeOptions& options);
/// Without log and builder.
server::LocalServerOptions local_options_of(const ServeOptions& options);
/// --engine-cache, else a folder of this user's: $XDG_CACHE_HOME/burnish/engines. Empty when there is no home.
std::string engine_cache_of(const ServeOptions& options);

}  // namespace burnish::cli
