#include "server_grpc/grpc_server.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/codegen/service_type.h>
#include <grpcpp/resource_quota.h>

#include <climits>

#include "base/error.h"
#include "base/file.h"
#include "server_grpc/call_context.h"
#include "server_grpc/infer_call.h"

namespace burnish::server {
namespace {

using ::grpc::ByteBuffer;
using ::grpc::CallbackServerContext;
using ::grpc::internal::RpcMethod;
using ::grpc::internal::RpcServiceMethod;
using UnaryHandler = ::grpc::internal::CallbackUnaryHandler<ByteBuffer, ByteBuffer>;
using StreamHandler = ::grpc::internal::CallbackBidiHandler<ByteBuffer, ByteBuffer>;

/// The protocol's service made of the table of methods: what protoc would generate, with bytes instead of messages.
class TableService : public ::grpc::Service {
 public:
  /// manages: takes the methods that change what is served.
  TableService(CallContext& context, bool manages) : context_(context), manages_(manages) {
    for (const Method& method : methods()) add_method(method);
    add(kModelInferPath, RpcMethod::NORMAL_RPC,
        new UnaryHandler([this](CallbackServerContext* call, const ByteBuffer* request, ByteBuffer* response) {
          return start_infer(context_, call, request, response);
        }));
    add(kModelStreamInferPath, RpcMethod::BIDI_STREAMING,
        new StreamHandler([this](CallbackServerContext* call) { return start_infer_stream(context_, call); }));
  }

 private:
  /// gRPC owns the handler from here on.
  void add(const char* path, RpcMethod::RpcType type, ::grpc::internal::MethodHandler* handler) {
    AddMethod(new RpcServiceMethod(path, type, nullptr));
    MarkMethodRawCallback(num_methods_++, handler);
  }

  void add_method(const Method& method) {
    add(method.path, RpcMethod::NORMAL_RPC,
        new UnaryHandler([this, &method](CallbackServerContext* call, const ByteBuffer* request, ByteBuffer* response) {
          return start(method, call, request, response);
        }));
  }

  ::grpc::ServerUnaryReactor* start(const Method& method, CallbackServerContext* call, const ByteBuffer* request,
                                    ByteBuffer* response) {
    ::grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
    ::grpc::Status allowed = check_token(context_.options, method.access, *call);
    if (allowed.ok() && method.access == MethodAccess::kManage && !manages_) {
      allowed = {::grpc::StatusCode::PERMISSION_DENIED, "management has an address of its own: ask there"};
    }
    const auto run = [this, &method, call, request, response, reactor, received = Clock::now()] {
      reactor->Finish(answer(method, *call, *request, *response, received));
    };
    if (!allowed.ok()) {
      log_call(context_, *call, {method.path, {}, {}, allowed.error_code(), request->Length(), 0, Clock::now()});
      reactor->Finish(allowed);
    } else if (!method.slow) {
      run();
    } else if (!context_.slow_calls.post(run)) {
      reactor->Finish({::grpc::StatusCode::RESOURCE_EXHAUSTED, "too many models wait to be loaded: try again later"});
    }
    return reactor;
  }

  ::grpc::Status answer(const Method& method, const CallbackServerContext& call, const ByteBuffer& request,
                        ByteBuffer& response, Clock::time_point received) {
    const ::grpc::Slice bytes = contiguous(request);
    std::string text;
    Status status;
    try {
      status = method.call(context_.server, view(bytes), text);
    } catch (...) {
      status = status_of_exception();
    }
    const ::grpc::Slice slice(text);
    response = ByteBuffer(&slice, 1);
    ::grpc::Status result = to_grpc(status);
    log_call(context_, call, {method.path, {}, {}, result.error_code(), bytes.size(), text.size(), received});
    return result;
  }

  CallContext& context_;
  const bool manages_;
  int num_methods_ = 0;
};

std::shared_ptr<::grpc::ServerCredentials> credentials_of(const GrpcOptions& options) {
  const bool tls = !options.tls_certificate_file.empty();
  check(tls == !options.tls_key_file.empty(), ErrorCode::kInvalidArgument,
        "gRPC: TLS needs a certificate and its key, and only one of them is given");
  check(tls || options.tls_client_ca_file.empty(), ErrorCode::kInvalidArgument,
        "gRPC: a CA of clients is of use with TLS only: give a certificate and its key, too");
  if (!tls) return ::grpc::InsecureServerCredentials();
  const bool mutual = !options.tls_client_ca_file.empty();
  ::grpc::SslServerCredentialsOptions ssl(mutual ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                                 : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  ssl.pem_key_cert_pairs.push_back({read_file(options.tls_key_file), read_file(options.tls_certificate_file)});
  if (mutual) ssl.pem_root_certs = read_file(options.tls_client_ca_file);
  return ::grpc::SslServerCredentials(ssl);
}

void set_limits(const GrpcOptions& options, ::grpc::ServerBuilder& builder) {
  const auto milliseconds = [](std::chrono::milliseconds t) { return static_cast<int>(t.count()); };
  builder.SetMaxReceiveMessageSize(static_cast<int>(std::min<size_t>(options.max_message_bytes, INT_MAX)));
  builder.SetMaxSendMessageSize(-1);
  builder.SetResourceQuota(::grpc::ResourceQuota("burnish").Resize(options.max_memory_bytes));
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE,
                             static_cast<int>(std::min<size_t>(options.max_metadata_bytes, INT_MAX)));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_streams_per_connection);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(options.keepalive));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, milliseconds(options.idle_timeout));
  // Clients may ping as often as perf_analyzer and tritonclient do by their options.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // A port in use is an error, not a share of its connections.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

/// One address with its service.
struct Listener {
  Listener(CallContext& context, bool manages) : service(context, manages) {}

  void start(const GrpcOptions& options, const std::string& address, int wanted_port) {
    ::grpc::ServerBuilder builder;
    set_limits(options, builder);
    const bool ipv6 = address.find(':') != std::string::npos;
    const std::string target = fmt::format(fmt::runtime(ipv6 ? "[{}]:{}" : "{}:{}"), address, wanted_port);
    builder.AddListeningPort(target, credentials_of(options), &port);
    builder.RegisterService(&service);
    server = builder.BuildAndStart();
    check(
        server && port != 0, ErrorCode::kIo,
        "gRPC cannot listen on {}: the address is in use or not this machine's, or the certificate and its key do not "
        "fit; choose another port or look at the files",
        target);
  }

  TableService service;
  int port = 0;
  std::unique_ptr<::grpc::Server> server;
};

}  // namespace

struct GrpcServer::Listeners {
  Listeners(InferenceServer& server, GrpcOptions given)
      : options(std::move(given)),
        context{server, options, 0, {}},
        main(context, /*manages=*/!options.management_port),
        management(context, /*manages=*/true) {}

  GrpcOptions options;
  CallContext context;
  Listener main, management;
};

GrpcServer::GrpcServer(InferenceServer& server, GrpcOptions options)
    : listeners_(std::make_unique<Listeners>(server, std::move(options))) {}

GrpcServer::~GrpcServer() {
  stop(Clock::now());
}

void GrpcServer::start() {
  Listeners& l = *listeners_;
  // Both would write a line to stderr for every failed handshake or malformed message of a stranger's.
  if (!std::getenv("GRPC_VERBOSITY")) gpr_set_log_function([](gpr_log_func_args*) {});
  google::protobuf::SetLogHandler(nullptr);
  l.main.start(l.options, l.options.address, l.options.port);
  if (!l.options.management_port) return;
  const std::string& address = l.options.management_address.empty() ? l.options.address : l.options.management_address;
  l.management.start(l.options, address, *l.options.management_port);
}

void GrpcServer::stop(Clock::time_point deadline) {
  const Clock::duration longest = std::chrono::hours(24 * 365);  // more would overflow the system's clock
  const auto left = std::clamp(deadline - Clock::now(), Clock::duration::zero(), longest);
  const auto end = std::chrono::system_clock::now() + left;
  for (Listener* listener : {&listeners_->main, &listeners_->management}) {
    if (!listener->server) continue;
    listener->server->Shutdown(end);
    listener->server->Wait();
    listener->server.reset();
  }
}

uint16_t GrpcServer::port() const {
  return static_cast<uint16_t>(listeners_->main.port);
}
uint16_t GrpcServer::management_port() const {
  return listeners_->management.server ? static_cast<uint16_t>(listeners_->management.port) : port();
}

}  // namespace burnish::server
