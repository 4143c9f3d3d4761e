#pragma once
// A client of the protocol for tests, with protobuf's messages: what strangers' clients are made of.
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/sync_stream.h>

#include <functional>
#include <memory>
#include <string>

#include "grpc_service.pb.h"

namespace burnish::server::testing {

using Configure = std::function<void(::grpc::ClientContext&)>;
using Stream = ::grpc::ClientReaderWriter<inference::ModelInferRequest, inference::ModelStreamInferResponse>;

class Client {
 public:
  explicit Client(
      int port, const std::shared_ptr<::grpc::ChannelCredentials>& credentials = ::grpc::InsecureChannelCredentials()) {
    ::grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    channel_ = ::grpc::CreateCustomChannel("localhost:" + std::to_string(port), credentials, arguments);
  }

  /// method: "ModelInfer", or a whole path.
  template <typename Request, typename Response>
  ::grpc::Status call(const std::string& method, const Request& request, Response& response,
                      const Configure& configure = {}) {
    ::grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    if (configure) configure(context);
    const std::string path = path_of(method);
    const ::grpc::internal::RpcMethod rpc(path.c_str(), ::grpc::internal::RpcMethod::NORMAL_RPC, channel_);
    return ::grpc::internal::BlockingUnaryCall<Request, Response, Request, Response>(channel_.get(), rpc, &context,
                                                                                     request, &response);
  }

  std::unique_ptr<Stream> stream(::grpc::ClientContext& context) {
    static const std::string path = path_of("ModelStreamInfer");
    const ::grpc::internal::RpcMethod rpc(path.c_str(), ::grpc::internal::RpcMethod::BIDI_STREAMING, channel_);
    return std::unique_ptr<Stream>(
        ::grpc::internal::ClientReaderWriterFactory<inference::ModelInferRequest,
                                                    inference::ModelStreamInferResponse>::Create(channel_.get(), rpc,
                                                                                                 &context));
  }

 private:
  static std::string path_of(const std::string& method) {
    return method[0] == '/' ? method : "/inference.GRPCInferenceService/" + method;
  }
  std::shared_ptr<::grpc::Channel> channel_;
};

}  // namespace burnish::server::testing
