#include "cli/serve_options.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "server/response_cache.h"

namespace burnish::cli {
namespace {

constexpr const char* kAddresses = "Addresses";
constexpr const char* kModels = "Models";
constexpr const char* kSecurity = "Security";
constexpr const char* kLimits = "Limits";
constexpr const char* kObservation = "Observation";

void declare_addresses(OptionSet& command, ServeOptions& o) {
  command.add("--host", o.host, "Address to listen at; 0.0.0.0 and :: are all of the machine's")
      .value_name("ADDRESS")
      .show_default()
      .group(kAddresses);
  command.add("--http-port", o.http_port, "0: any that is free").value_name("PORT").show_default().group(kAddresses);
  command.add("--grpc-port", o.grpc_port, "0: any that is free").value_name("PORT").show_default().group(kAddresses);
  command.flag("--no-http", o.no_http, "Do not listen for HTTP").group(kAddresses);
  command.flag("--no-grpc", o.no_grpc, "Do not listen for gRPC").group(kAddresses);
  command
      .add("--http-management-port", o.http_management_port,
           "Loading, settings, metrics and the live page answer there only")
      .value_name("PORT")
      .group(kAddresses);
  command.add("--grpc-management-port", o.grpc_management_port, "The same for gRPC")
      .value_name("PORT")
      .group(kAddresses);
  command.add("--management-host", o.management_host, "Address of the management ports [--host]")
      .value_name("ADDRESS")
      .group(kAddresses);
}

void declare_models(OptionSet& command, ServeOptions& o) {
  command.add("--model-control", o.model_control, "When models are loaded: at start, as the folder changes, on request")
      .one_of({"none", "poll", "explicit"})
      .show_default()
      .group(kModels);
  command.add("--poll-seconds", o.poll_s, "Between looks at the folder").value_name("S").show_default().group(kModels);
  command.add("--load-model", o.load_models, "With explicit: load this at start; '*' for all; may be repeated")
      .value_name("NAME")
      .group(kModels);
  command.add("--engine-cache", o.engine_cache, "Where engines of model.onnx are kept [~/.cache/burnish/engines]")
      .value_name("DIR")
      .group(kModels);
  command
      .flag("--map-engines", o.map_engines,
            "Map engine files instead of reading them: servers share them; replace such files by renaming only")
      .group(kModels);
  command.flag("--exit-on-error", o.exit_on_error, "End if a model cannot be loaded at start").group(kModels);
}

void declare_security(OptionSet& command, ServeOptions& o) {
  command.add("--tls-certificate", o.tls_certificate, "PEM; turns TLS on").value_name("FILE").group(kSecurity);
  command.add("--tls-key", o.tls_key, "PEM").value_name("FILE").group(kSecurity);
  command.add("--tls-client-ca", o.tls_client_ca, "gRPC: clients must show a certificate of this authority")
      .value_name("FILE")
      .group(kSecurity);
  command.add("--token-file", o.token_file, "Bearer tokens, one a line; requests must carry one")
      .value_name("FILE")
      .group(kSecurity);
  command.add("--management-token-file", o.management_token_file, "The same for management [--token-file]")
      .value_name("FILE")
      .group(kSecurity);
  command.flag("--no-shared-memory", o.no_shared_memory, "Clients may not register shared memory").group(kSecurity);
}

void declare_limits(OptionSet& command, ServeOptions& o) {
  command.add_bytes("--max-body", o.max_body_bytes, "Largest request [64MB]").value_name("BYTES").group(kLimits);
  command.add_bytes("--max-header", o.max_header_bytes, "Largest header [16kB]").value_name("BYTES").group(kLimits);
  command.add("--max-connections", o.max_connections, "HTTP connections").value_name("N").show_default().group(kLimits);
  command.add("--max-queue", o.max_queue_size, "Requests that wait for a model, where it says nothing itself")
      .value_name("N")
      .show_default()
      .group(kLimits);
  command.add("--http-threads", o.http_threads, "Threads that read and write [one a core, four at most]")
      .value_name("N")
      .group(kLimits);
  command.add("--idle-timeout", o.idle_timeout_s, "Seconds that a silent HTTP connection is kept")
      .value_name("S")
      .show_default()
      .group(kLimits);
  command.add("--drain-seconds", o.drain_s, "For requests under way when it ends or a model is unloaded")
      .value_name("S")
      .show_default()
      .group(kLimits);
  command
      .add("--shutdown-delay", o.shutdown_delay_s,
           "Seconds that it still serves after it said it is not ready, so that gateways notice")
      .value_name("S")
      .show_default()
      .group(kLimits);
  command
      .add_bytes("--response-cache", o.response_cache_bytes,
                 "Memory for answers of models that ask for it; 0: none [64MB]")
      .value_name("BYTES")
      .group(kLimits);
}

void declare_observation(OptionSet& command, ServeOptions& o) {
  command
      .add("--access-log", o.access_log, "A line of JSON for every request; - is standard output; SIGHUP opens it anew")
      .value_name("FILE")
      .group(kObservation);
  const Option file = command.add("--trace-file", o.trace_file, "Where traces go that clients or --trace-rate ask for")
                          .value_name("FILE")
                          .group(kObservation);
  command.add("--trace-rate", o.trace_rate, "Trace one of so many requests from the start [none]")
      .value_name("N")
      .needs(file)
      .group(kObservation);
}

uint16_t port_of(int port, std::string_view option) {
  check(port >= 0 && port <= 65535, ErrorCode::kInvalidArgument, "{} {}: 0 to 65535 are possible", option, port);
  return static_cast<uint16_t>(port);
}

std::optional<uint16_t> management_port_of(int port, std::string_view option) {
  if (port == -1) return std::nullopt;
  return port_of(port, option);
}

std::chrono::milliseconds seconds_of(double seconds, std::string_view option) {
  check(seconds > 0 && seconds <= 86400, ErrorCode::kInvalidArgument, "{} {}: give seconds, up to a day", option,
        seconds);
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

template <typename T>
T positive(T value, std::string_view option) {
  check(value > 0, ErrorCode::kInvalidArgument, "{} {}: give a positive number", option, value);
  return value;
}

/// Blank lines and those that begin with '#' do not count.
std::vector<std::string> tokens_of(const std::string& file, std::string_view option) {
  std::vector<std::string> tokens;
  if (file.empty()) return tokens;
  const std::string text = read_file(file);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    at = end + 1;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty() && line[0] != '#') tokens.push_back(std::move(line));
  }
  check(!tokens.empty(), ErrorCode::kInvalidArgument, "{} '{}' holds no token", option, file);
  return tokens;
}

/// What both protocols call by the same name.
template <typename Options>
void fill_common(const ServeOptions& from, Options& to) {
  check(from.tls_certificate.empty() == from.tls_key.empty(), ErrorCode::kInvalidArgument,
        "--tls-certificate and --tls-key go together");
  to.address = from.host;
  to.management_address = from.management_host;
  to.tls_certificate_file = from.tls_certificate;
  to.tls_key_file = from.tls_key;
  to.tokens = tokens_of(from.token_file, "--token-file");
  to.management_tokens = tokens_of(from.management_token_file, "--management-token-file");
}

}  // namespace

void declare_serve_options(OptionSet& command, ServeOptions& options) {
  command.add("repository", options.repository, "The folder of models: REPOSITORY/<model>/<version>/model.engine")
      .required()
      .value_name("REPOSITORY");
  declare_addresses(command, options);
  declare_models(command, options);
  declare_security(command, options);
  declare_limits(command, options);
  declare_observation(command, options);
  add_log_flags(command, options.flags);
  command.flag("--json", options.flags.json, "Write the line that says it is ready as JSON; errors too");
}

server::HttpOptions http_options_of(const ServeOptions& options) {
  server::HttpOptions http;
  fill_common(options, http);
  http.port = port_of(options.http_port, "--http-port");
  http.management_port = management_port_of(options.http_management_port, "--http-management-port");
  check(options.http_threads >= 0 && options.http_threads <= 1024, ErrorCode::kInvalidArgument,
        "--http-threads {}: 0 to 1024 are possible", options.http_threads);
  http.threads = options.http_threads;
  http.max_body_bytes = static_cast<size_t>(positive(options.max_body_bytes, "--max-body"));
  http.max_header_bytes = static_cast<size_t>(positive(options.max_header_bytes, "--max-header"));
  http.max_connections = static_cast<size_t>(positive(options.max_connections, "--max-connections"));
  http.idle_timeout = seconds_of(options.idle_timeout_s, "--idle-timeout");
  return http;
}

server::GrpcOptions grpc_options_of(const ServeOptions& options) {
  server::GrpcOptions grpc;
  fill_common(options, grpc);
  grpc.port = port_of(options.grpc_port, "--grpc-port");
  grpc.management_port = management_port_of(options.grpc_management_port, "--grpc-management-port");
  grpc.tls_client_ca_file = options.tls_client_ca;
  grpc.max_message_bytes = static_cast<size_t>(positive(options.max_body_bytes, "--max-body"));
  grpc.max_metadata_bytes = static_cast<size_t>(positive(options.max_header_bytes, "--max-header"));
  return grpc;
}

server::LocalServerOptions local_options_of(const ServeOptions& options) {
  server::LocalServerOptions local;
  local.repository.roots = {options.repository};
  local.repository.loads_on_request = options.model_control == "explicit";
  local.repository.startup_models = options.load_models;
  check(options.load_models.empty() || local.repository.loads_on_request, ErrorCode::kInvalidArgument,
        "--load-model goes with --model-control explicit; else all models are loaded");
  check(options.shutdown_delay_s >= 0 && options.shutdown_delay_s <= 3600, ErrorCode::kInvalidArgument,
        "--shutdown-delay {}: give seconds, up to an hour", options.shutdown_delay_s);
  local.repository.drain_timeout = seconds_of(options.drain_s, "--drain-seconds");
  if (options.model_control == "poll") local.poll_interval = seconds_of(options.poll_s, "--poll-seconds");
  local.version.max_queue_size = static_cast<uint32_t>(positive(options.max_queue_size, "--max-queue"));
  check(options.response_cache_bytes >= 0, ErrorCode::kInvalidArgument, "--response-cache: give a positive number");
  if (options.response_cache_bytes > 0) {
    local.version.response_cache =
        std::make_shared<server::ResponseCache>(static_cast<size_t>(options.response_cache_bytes));
  }
  local.engine_cache = engine_cache_of(options);
  local.map_engines = options.map_engines;
  local.shared_memory = !options.no_shared_memory;
  local.server_version = BURNISH_VERSION;
  local.access_log = options.access_log;
  local.trace_file = options.trace_file;
  check(options.trace_rate >= 0, ErrorCode::kInvalidArgument, "--trace-rate {}: give a positive number",
        options.trace_rate);
  local.trace.timestamps = options.trace_rate > 0;
  if (options.trace_rate > 0) local.trace.rate = static_cast<uint64_t>(options.trace_rate);
  local.verbose = options.flags.verbose ? 1 : 0;
  return local;
}

std::string engine_cache_of(const ServeOptions& options) {
  if (!options.engine_cache.empty()) return options.engine_cache;
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (cache != nullptr && *cache == '/') return std::filesystem::path(cache) / "burnish" / "engines";
  if (home != nullptr && *home == '/') return std::filesystem::path(home) / ".cache" / "burnish" / "engines";
  return {};
}

}  // namespace burnish::cli
