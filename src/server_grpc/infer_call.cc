#include "server_grpc/infer_call.h"

#include <fmt/format.h>

#include "server_grpc/infer_request.h"
#include "server_grpc/infer_response.h"

namespace burnish::server {
namespace {

using ::grpc::ByteBuffer;
using ::grpc::CallbackServerContext;

/// Owns itself until gRPC is done with it and nobody holds its request's bytes any more.
class InferCall : public ::grpc::ServerUnaryReactor, public std::enable_shared_from_this<InferCall> {
 public:
  InferCall(CallContext& context, CallbackServerContext* call, ByteBuffer* response)
      : context_(context), call_(call), response_(response) {}

  void start(const ByteBuffer& message) {
    self_ = shared_from_this();
    Status status;
    admitted_ = admit(context_, status);
    if (!admitted_) return finish(to_grpc(status), 0);
    slice_ = contiguous(message);
    InferRequest request;
    request.received = received_;
    bool final_response = false;
    const Bytes bytes{reinterpret_cast<const std::byte*>(slice_.begin()), slice_.size(), self_};
    status = decode_request(context_, bytes, request, final_response);
    model_ = request.model;
    id_ = request.id;
    if (!status.ok()) return finish(to_grpc(status), 0);
    request.deadline = deadline_of(context_.options, *call_);
    request.cancelled = std::shared_ptr<const std::atomic<bool>>(self_, &cancelled_);
    // Lives until finish(), which only this callback calls.
    context_.server.infer(std::move(request), [this](InferResponse&& response) { respond(response); });
  }

  void OnCancel() override { cancelled_ = true; }

  void OnDone() override {
    if (admitted_) --context_.requests_in_flight;
    self_.reset();
  }

 private:
  void respond(const InferResponse& response) {
    if (!response.status.ok()) return finish(to_grpc(response.status), 0);
    const wire::Message message = encode_infer_response(response);
    *response_ = to_buffer(message);
    finish(::grpc::Status(), message.size());
  }

  void finish(const ::grpc::Status& status, size_t response_bytes) {
    log_call(context_, *call_,
             {kModelInferPath, model_, id_, status.error_code(), slice_.size(), response_bytes, received_});
    Finish(status);
  }

  CallContext& context_;
  CallbackServerContext* call_;  // gRPC's, until OnDone()
  ByteBuffer* response_;         // gRPC's, until OnDone()
  const Clock::time_point received_ = Clock::now();
  std::shared_ptr<InferCall> self_;
  ::grpc::Slice slice_;
  std::atomic<bool> cancelled_ = false;
  bool admitted_ = false;
  std::string model_, id_;
};

}  // namespace

bool admit(CallContext& context, Status& status) {
  if (context.requests_in_flight.fetch_add(1) < context.options.max_requests_in_flight) return true;
  --context.requests_in_flight;
  status = {StatusCode::kResourceExhausted,
            fmt::format("{} requests are in flight, the server takes no more: try again later",
                        context.options.max_requests_in_flight)};
  return false;
}

Status decode_request(CallContext& context, const Bytes& message, InferRequest& request, bool& final_response) {
  DecodedRequest decoded;
  decoded.request.received = request.received;
  Status status;
  try {
    decode_infer_request(message, decoded);
    status = bind_shared_memory(context.server, decoded);
  } catch (...) {
    status = status_of_exception();
  }
  request = std::move(decoded.request);
  final_response = decoded.final_response;
  return status;
}

::grpc::ServerUnaryReactor* start_infer(CallContext& context, CallbackServerContext* call, const ByteBuffer* request,
                                        ByteBuffer* response) {
  const ::grpc::Status allowed = check_token(context.options, MethodAccess::kUse, *call);
  if (!allowed.ok()) {
    log_call(context, *call, {kModelInferPath, {}, {}, allowed.error_code(), request->Length(), 0, Clock::now()});
    ::grpc::ServerUnaryReactor* refused = call->DefaultReactor();
    refused->Finish(allowed);
    return refused;
  }
  auto infer = std::make_shared<InferCall>(context, call, response);
  infer->start(*request);
  return infer.get();
}

}  // namespace burnish::server
