#pragma once
// ModelInfer and ModelStreamInfer on gRPC's callback interface: no thread waits for an inference.
#include <grpcpp/grpcpp.h>

#include "server_grpc/call_context.h"

namespace burnish::server {

inline constexpr const char* kModelInferPath = "/inference.GRPCInferenceService/ModelInfer";
inline constexpr const char* kModelStreamInferPath = "/inference.GRPCInferenceService/ModelStreamInfer";

::grpc::ServerUnaryReactor* start_infer(CallContext& context, ::grpc::CallbackServerContext* call,
                                        const ::grpc::ByteBuffer* request, ::grpc::ByteBuffer* response);

::grpc::ServerBidiReactor<::grpc::ByteBuffer, ::grpc::ByteBuffer>* start_infer_stream(
    CallContext& context, ::grpc::CallbackServerContext* call);

/// One of the requests that the server takes at once; false: there are too many.
bool admit(CallContext& context, Status& status);

/// From a request's bytes to what the server may answer; what is wrong with them comes back as a status. The deadline
/// and the cancellation are the caller's to set.
Status decode_request(CallContext& context, const Bytes& message, InferRequest& request, bool& final_response);

}  // namespace burnish::server
