#include <deque>
#include <mutex>

#include "server_grpc/infer_call.h"
#include "server_grpc/infer_response.h"

namespace burnish::server {
namespace {

using ::grpc::ByteBuffer;
using ::grpc::CallbackServerContext;

/// Requests of one stream run side by side; their answers are written in the requests' order. Owns itself until gRPC is
/// done with it and nobody holds its requests' bytes any more.
class InferStream : public ::grpc::ServerBidiReactor<ByteBuffer, ByteBuffer>,
                    public std::enable_shared_from_this<InferStream> {
 public:
  InferStream(CallContext& context, CallbackServerContext* call) : context_(context), call_(call) {}

  void start(const ::grpc::Status& allowed) {
    self_ = shared_from_this();
    errors_end_ = call_->client_metadata().count("triton_grpc_error") > 0;
    if (allowed.ok()) return StartRead(&incoming_);
    log_call(context_, *call_, {kModelStreamInferPath, {}, {}, allowed.error_code(), 0, 0, Clock::now()});
    Finish(allowed);
  }

  void OnReadDone(bool ok) override {
    bool wanted = ok;
    {
      const std::lock_guard lock(mutex_);
      wanted &= !ended_;
      read_all_ |= !ok;
    }
    if (wanted) accept();
    proceed(/*read_done=*/true);
  }

  void OnWriteDone(bool ok) override {
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      broken_ |= !ok;
    }
    proceed(false);
  }

  void OnCancel() override {
    cancelled_ = true;
    {
      const std::lock_guard lock(mutex_);
      broken_ = true;
    }
    proceed(false);
  }

  void OnDone() override { self_.reset(); }

 private:
  /// A request's place in the order of answers.
  struct Slot {
    bool answered = false;
    wire::Message message;
    Status status;
  };
  /// What is kept of a request to log it.
  struct Pending {
    std::string model, id;
    size_t request_bytes = 0;
    Clock::time_point received;
    bool admitted = false, final_response = false;
  };

  void accept() {
    auto slice = std::make_shared<::grpc::Slice>(contiguous(incoming_));
    incoming_.Clear();
    const Bytes bytes{reinterpret_cast<const std::byte*>(slice->begin()), slice->size(), slice};
    auto pending = std::make_shared<Pending>();
    InferRequest request;
    pending->received = request.received = Clock::now();
    pending->request_bytes = bytes.size;
    const uint64_t number = reserve();
    Status status;
    pending->admitted = admit(context_, status);
    if (status.ok()) status = decode_request(context_, bytes, request, pending->final_response);
    pending->model = request.model;
    pending->id = request.id;
    if (!status.ok()) return respond(number, *pending, failure(request, std::move(status)));
    request.deadline = deadline_of(context_.options, *call_);
    request.cancelled = std::shared_ptr<const std::atomic<bool>>(self_, &cancelled_);
    // The stream does not finish, and so lives, before every slot is answered.
    context_.server.infer(std::move(request), [this, number, pending](InferResponse&& response) {
      const auto alive = shared_from_this();  // once the slot is answered, another thread may finish the stream
      respond(number, *pending, std::move(response));
      proceed(false);
    });
  }

  static InferResponse failure(const InferRequest& request, Status status) {
    InferResponse response;
    response.status = std::move(status);
    response.id = request.id;
    return response;
  }

  uint64_t reserve() {
    const std::lock_guard lock(mutex_);
    slots_.emplace_back();
    return first_slot_ + slots_.size() - 1;
  }

  void respond(uint64_t number, const Pending& pending, InferResponse&& response) {
    wire::Message message = encode_stream_response(response, pending.final_response);
    const ::grpc::StatusCode code = to_grpc(response.status).error_code();
    log_call(context_, *call_,
             {kModelStreamInferPath, pending.model, pending.id, code, pending.request_bytes, message.size(),
              pending.received});
    if (pending.admitted) --context_.requests_in_flight;
    const std::lock_guard lock(mutex_);
    slots_[number - first_slot_] = {true, std::move(message), std::move(response.status)};
  }

  /// Does what can be done next: write an answer, read a request, finish. gRPC's functions are called without the lock,
  /// because they may call back at once.
  void proceed(bool read_done) {
    bool write = false, read = false, finish = false;
    {
      const std::lock_guard lock(mutex_);
      if (read_done) reading_ = false;
      write = next_answer();
      read = !reading_ && !read_all_ && !ended_ && slots_.size() < context_.options.max_stream_requests;
      reading_ |= read;
      const bool no_more = ended_ || (!reading_ && (read_all_ || broken_));
      finish = no_more && !writing_ && slots_.empty() && !finished_;
      finished_ |= finish;
    }
    if (write) StartWrite(&outgoing_);
    if (read) StartRead(&incoming_);
    if (finish) Finish(to_grpc(end_status_));
  }

  /// Takes answered slots off the front up to one that is to be written now; false: there is none.
  bool next_answer() {
    while (!writing_ && !slots_.empty() && slots_.front().answered) {
      Slot slot = std::move(slots_.front());
      slots_.pop_front();
      ++first_slot_;
      if (broken_ || ended_) continue;
      if (errors_end_ && !slot.status.ok()) {
        ended_ = true;
        end_status_ = std::move(slot.status);
        continue;
      }
      outgoing_ = to_buffer(slot.message);
      return writing_ = true;
    }
    return false;
  }

  CallContext& context_;
  CallbackServerContext* call_;  // gRPC's, until OnDone()
  std::shared_ptr<InferStream> self_;
  std::atomic<bool> cancelled_ = false;
  bool errors_end_ = false;  // the client wants an error to end the stream
  ByteBuffer incoming_, outgoing_;

  std::mutex mutex_;
  std::deque<Slot> slots_;
  uint64_t first_slot_ = 0;  // the number of slots_.front()
  bool reading_ = true, writing_ = false, read_all_ = false, broken_ = false, ended_ = false, finished_ = false;
  Status end_status_;
};

}  // namespace

::grpc::ServerBidiReactor<ByteBuffer, ByteBuffer>* start_infer_stream(CallContext& context,
                                                                      CallbackServerContext* call) {
  auto stream = std::make_shared<InferStream>(context, call);
  stream->start(check_token(context.options, MethodAccess::kUse, *call));
  return stream.get();
}

}  // namespace burnish::server
