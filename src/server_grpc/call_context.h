#pragma once
// What all calls share, and what is asked of each before it is answered.
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <string_view>

#include "server/inference_server.h"
#include "server_grpc/grpc_server.h"
#include "server_grpc/methods.h"
#include "server_grpc/task_thread.h"
#include "server_grpc/wire.h"

namespace burnish::server {

struct CallContext {
  InferenceServer& server;
  const GrpcOptions& options;
  std::atomic<int> requests_in_flight = 0;
  TaskThread slow_calls;  ///< Loading and unloading.
};

/// Of an exception that is being handled.
Status status_of_exception();
/// With a message short enough for a client's limit on metadata.
::grpc::Status to_grpc(const Status& status);

/// OK when the call brings one of the tokens, or needs none.
::grpc::Status check_token(const GrpcOptions& options, MethodAccess access, const ::grpc::ServerContextBase& call);

/// The client's deadline and the server's bound on it, in the steady clock.
Clock::time_point deadline_of(const GrpcOptions& options, const ::grpc::ServerContextBase& call);

/// All of a buffer's bytes in one piece, without a copy where it is in one piece already.
::grpc::Slice contiguous(const ::grpc::ByteBuffer& buffer);
inline std::string_view view(const ::grpc::Slice& slice) {
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}
/// Splices become slices that keep their owners.
::grpc::ByteBuffer to_buffer(const wire::Message& message);

/// One finished request.
struct CallRecord {
  std::string_view method, model, id;
  ::grpc::StatusCode code = ::grpc::StatusCode::OK;
  size_t request_bytes = 0, response_bytes = 0;
  Clock::time_point received;
};
void log_call(CallContext& context, const ::grpc::ServerContextBase& call, const CallRecord& record);

}  // namespace burnish::server
