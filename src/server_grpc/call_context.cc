#include "server_grpc/call_context.h"

#include <array>

#include "base/error.h"
#include "server/bearer_token.h"

namespace burnish::server {
namespace {

constexpr size_t kMaxMessageBytes = 1500;  // clients take 8 kB of metadata, and escapes triple what is not ASCII

struct CodeRow {
  StatusCode ours;
  ::grpc::StatusCode theirs;
};
constexpr std::array<CodeRow, 11> kCodes = {{{StatusCode::kOk, ::grpc::StatusCode::OK},
                                             {StatusCode::kInvalidArgument, ::grpc::StatusCode::INVALID_ARGUMENT},
                                             {StatusCode::kUnauthenticated, ::grpc::StatusCode::UNAUTHENTICATED},
                                             {StatusCode::kNotFound, ::grpc::StatusCode::NOT_FOUND},
                                             {StatusCode::kTooLarge, ::grpc::StatusCode::RESOURCE_EXHAUSTED},
                                             {StatusCode::kResourceExhausted, ::grpc::StatusCode::RESOURCE_EXHAUSTED},
                                             {StatusCode::kCancelled, ::grpc::StatusCode::CANCELLED},
                                             {StatusCode::kUnsupported, ::grpc::StatusCode::UNIMPLEMENTED},
                                             {StatusCode::kUnavailable, ::grpc::StatusCode::UNAVAILABLE},
                                             {StatusCode::kDeadlineExceeded, ::grpc::StatusCode::DEADLINE_EXCEEDED},
                                             {StatusCode::kInternal, ::grpc::StatusCode::INTERNAL}}};

/// At most so many bytes, cut between characters.
std::string shortened(std::string text, size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return text.substr(0, bytes) + " …";
}

void release_owner(void* owner) {
  delete static_cast<std::shared_ptr<const void>*>(owner);
}

::grpc::Slice slice_of(const Bytes& bytes) {
  auto owner = std::make_unique<std::shared_ptr<const void>>(bytes.owner);
  // gRPC's slices only read, whatever their constructor says.
  return {const_cast<std::byte*>(bytes.data), bytes.size, release_owner, owner.release()};
}

}  // namespace

Status status_of_exception() {
  try {
    throw;
  } catch (const Error& e) {
    const bool callers = e.code() == ErrorCode::kInvalidArgument;
    const StatusCode code = callers                               ? StatusCode::kInvalidArgument
                            : e.code() == ErrorCode::kUnsupported ? StatusCode::kUnsupported
                                                                  : StatusCode::kInternal;
    return {code, e.what()};
  } catch (const std::bad_alloc&) {
    return {StatusCode::kResourceExhausted, "the server is out of memory for this request; send less at once"};
  } catch (const std::exception& e) {
    return {StatusCode::kInternal, e.what()};
  }
}

::grpc::Status to_grpc(const Status& status) {
  if (status.ok()) return {};
  ::grpc::StatusCode code = ::grpc::StatusCode::INTERNAL;
  for (const CodeRow& row : kCodes) {
    if (row.ours == status.code) code = row.theirs;
  }
  return {code, shortened(status.message, kMaxMessageBytes)};
}

::grpc::Status check_token(const GrpcOptions& options, MethodAccess access, const ::grpc::ServerContextBase& call) {
  const bool own_tokens = access == MethodAccess::kManage && !options.management_tokens.empty();
  const std::vector<std::string>& tokens = own_tokens ? options.management_tokens : options.tokens;
  if (access == MethodAccess::kOpen) return {};
  const auto found = call.client_metadata().find("authorization");
  const bool given = found != call.client_metadata().end();
  if (is_authorized(given ? std::string_view(found->second.data(), found->second.size()) : "", tokens)) return {};
  return {::grpc::StatusCode::UNAUTHENTICATED,
          "this server needs a token: send metadata 'authorization: Bearer <token>'"};
}

Clock::time_point deadline_of(const GrpcOptions& options, const ::grpc::ServerContextBase& call) {
  const Clock::time_point now = Clock::now();
  const auto bound = options.max_request_time.count() > 0 ? now + options.max_request_time : Clock::time_point::max();
  const auto clients = call.deadline();
  if (clients == std::chrono::system_clock::time_point::max()) return bound;
  const auto left = clients - std::chrono::system_clock::now();
  if (left > std::chrono::hours(24 * 365)) return bound;  // would overflow, and is none anyway
  return std::min(bound, now + std::chrono::duration_cast<Clock::duration>(left));
}

::grpc::Slice contiguous(const ::grpc::ByteBuffer& buffer) {
  ::grpc::Slice slice;
  if (!buffer.TrySingleSlice(&slice).ok()) (void)buffer.DumpToSingleSlice(&slice);  // an empty buffer has no slice
  return slice;
}

::grpc::ByteBuffer to_buffer(const wire::Message& message) {
  std::vector<::grpc::Slice> slices;
  size_t done = 0;
  const auto add_text = [&](size_t end) {
    if (end > done) slices.emplace_back(message.text().data() + done, end - done);
    done = end;
  };
  for (const wire::Message::Splice& splice : message.splices()) {
    add_text(splice.at);
    slices.push_back(slice_of(splice.bytes));
  }
  add_text(message.text().size());
  return {slices.data(), slices.size()};
}

void log_call(CallContext& context, const ::grpc::ServerContextBase& call, const CallRecord& record) {
  if (!context.server.logs_access()) return;
  const std::string peer = call.peer();
  InferenceServer::Access access;
  access.protocol = "grpc";
  access.peer = peer;
  access.method = "POST";
  access.target = record.method;
  access.model = record.model;
  access.id = record.id;
  access.status = record.code;
  access.request_bytes = record.request_bytes;
  access.response_bytes = record.response_bytes;
  access.duration_us = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - record.received).count());
  context.server.log_access(access);
}

}  // namespace burnish::server
