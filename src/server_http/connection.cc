#include "server_http/connection.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>

#include "server/bearer_token.h"
#include "server_http/compression.h"
#include "server_http/endpoints.h"
#include "server_http/infer_encoder.h"
#include "server_http/io_thread.h"

namespace burnish::server::http {
namespace {

using Progress = RequestReader::Progress;

constexpr std::string_view kContinueLine = "HTTP/1.1 100 Continue\r\n\r\n";
// Bodies up to this are read though the request is refused: the connection can then go on.
constexpr uint64_t kSkippedBodyBytes = 64 << 10;
constexpr size_t kLingerBuffer = 16 << 10;
constexpr std::chrono::seconds kLingerTime{3};
// Smaller parts of an answer are copied together rather than sent from where they lie.
constexpr size_t kCopiedBytes = 8 << 10;
// An idle connection keeps no more of the memory that its answers took.
constexpr size_t kKeptOutBytes = 64 << 10;

Clock::time_point allowed_until(Clock::time_point start, std::chrono::milliseconds time, uint64_t bytes,
                                uint64_t bytes_per_second) {
  const uint64_t ms = bytes_per_second == 0 ? 0 : bytes * 1000 / bytes_per_second;
  return start + time + std::chrono::milliseconds(ms);
}

// A page of another origin must not manage this server through its visitor's browser.
bool is_from_other_origin(const RequestHead& head) {
  return !head.origin.empty() && head.origin != "http://" + head.host && head.origin != "https://" + head.host;
}

}  // namespace

Connection::Connection(IoThread& thread, bool is_management, std::string peer)
    : thread_(thread),
      is_management_(is_management),
      peer_(std::move(peer)),
      reader_({thread.shared().options.max_header_bytes, thread.shared().options.max_body_bytes},
              thread.shared().budget) {}

void Connection::register_self() {
  deadline_ = Clock::now() + thread_.shared().options.read_timeout;
  thread_.add(shared_from_this());
}

void Connection::begin() {
  if (state_ == State::kClosed) return;
  deadline_ = Clock::now() + thread_.shared().options.idle_timeout;
  read();
}

void Connection::read() {
  const HttpOptions& options = thread_.shared().options;
  state_ = State::kReading;
  if (reader_.is_idle() && closes_) return close();
  if (!reader_.is_idle()) {
    deadline_ =
        allowed_until(reader_.started(), options.read_timeout, reader_.request_bytes(), options.min_bytes_per_second);
  }
  if (is_reading_) return;
  is_reading_ = true;
  start_read(reader_.prepare());
}

// While another thread works: a client that goes away is noticed, and its next request is there at once.
void Connection::read_ahead() {
  if (is_reading_) return;
  const std::span<std::byte> room = reader_.prepare_ahead();
  if (room.empty()) return;
  is_reading_ = true;
  start_read(room);
}

void Connection::on_read(const ErrorCode& error, size_t num_bytes) {
  is_reading_ = false;
  if (state_ == State::kReading && !error) return advance(reader_.commit(num_bytes));
  if (state_ == State::kReading || state_ == State::kLingering) {
    return error ? close() : linger();
  }
  if (state_ == State::kClosed) return;
  // The request is being answered.
  if (!error) return reader_.commit_ahead(num_bytes);
  closes_ = true;
  if (body_) body_->cancelled.store(true, std::memory_order_relaxed);
}

void Connection::advance(Progress progress) {
  if (progress == Progress::kHead) progress = on_head();
  if (state_ != State::kReading) return;
  switch (progress) {
    case Progress::kHead:
    case Progress::kMore:
      return read();
    case Progress::kBad:
      return respond(error_response(reader_.error_status(), reader_.error().message), true);
    case Progress::kComplete:
      break;
  }
  try {
    dispatch();
  } catch (const std::exception& e) {
    // Out of memory, most likely; others' requests go on.
    if (state_ == State::kReading || state_ == State::kWaiting) respond(error_response(503, e.what()), true);
  }
}

// Decides from the head alone whether the body is worth reading.
Progress Connection::on_head() {
  const RequestHead& head = reader_.head();
  refusal_ = refusal_of(head);
  const bool small = !head.chunked && head.content_length.value_or(0) <= kSkippedBodyBytes;
  if (refusal_ && (!small || head.expects_continue)) {
    respond(std::move(*refusal_), true);
    return Progress::kBad;
  }
  if (!head.expects_continue) return reader_.accept_body();
  state_ = State::kContinue;
  buffers_ = {boost::asio::buffer(kContinueLine)};
  start_write(buffers_);
  return Progress::kMore;
}

std::optional<Response> Connection::refusal_of(const RequestHead& head) {
  const RouteResult result = route(head.method, head.target, route_);
  if (result.status != 200) {
    Response response = error_response(result.status, result.message);
    if (result.allow == "POST") response.extra_fields = "Allow: POST\r\n";
    if (result.allow.starts_with("GET")) response.extra_fields = "Allow: GET, HEAD\r\n";
    return response;
  }
  if (std::optional<Response> refused = access_refusal(head)) return refused;
  if (head.coding == Coding::kUnknown) {
    return error_response(415, "Content-Encoding: only gzip, deflate and identity are read");
  }
  return std::nullopt;
}

std::optional<Response> Connection::access_refusal(const RequestHead& head) const {
  const HttpOptions& options = thread_.shared().options;
  if (route_.access == Access::kOpen) return std::nullopt;
  const bool manages = route_.access == Access::kManagement;
  if (manages && options.management_port && !is_management_) {
    return error_response(404, "target: management endpoints answer at the management port only");
  }
  const auto& tokens = manages && !options.management_tokens.empty() ? options.management_tokens : options.tokens;
  const bool is_public = route_.endpoint == Endpoint::kLivePage;
  if (!is_public && !is_authorized(head.authorization, tokens)) {
    return error_response(401, "Authorization: must be 'Bearer' and one of the server's tokens");
  }
  if (manages && head.method == Method::kPost && is_from_other_origin(head)) {
    return error_response(403, "Origin: pages from elsewhere may not manage this server");
  }
  return std::nullopt;
}

void Connection::dispatch() {
  std::shared_ptr<Body> body = reader_.take_body();
  const RequestHead& head = reader_.head();
  const HttpOptions& options = thread_.shared().options;
  if (refusal_) return respond(std::move(*refusal_));
  if (body && head.coding != Coding::kIdentity) {
    const Status status =
        inflate_body(body, thread_.shared().budget, options.max_body_bytes, head.json_length.value_or(0));
    if (!status.ok()) return respond(error_response(status));
  }
  if (route_.endpoint == Endpoint::kInfer) return dispatch_inference(std::move(body));
  if (may_take_long(route_.endpoint)) return dispatch_slow(std::move(body));
  respond(answer(thread_.shared().server, route_, head.method, body.get()));
}

void Connection::dispatch_inference(std::shared_ptr<Body> body) {
  InferRequest request;
  request.model = route_.model;
  request.version = route_.version;
  request.received = reader_.started();
  binary_by_default_ = false;
  const Status status = thread_.decoder().decode(body, reader_.head().json_length, request, binary_by_default_);
  request_id_ = request.id;
  if (!status.ok()) return respond(error_response(status));
  state_ = State::kWaiting;
  deadline_ = Clock::time_point::max();
  body_ = std::move(body);
  thread_.shared().server.infer(std::move(request),
                                [weak = weak_from_this(), mailbox = thread_.mailbox()](InferResponse&& answer) {
                                  if (!mailbox->is_current()) return mailbox->deliver(weak, std::move(answer));
                                  if (const auto self = weak.lock()) self->on_answer(std::move(answer));
                                });
  if (state_ == State::kWaiting) read_ahead();
}

void Connection::dispatch_slow(std::shared_ptr<Body> body) {
  state_ = State::kWaiting;
  deadline_ = Clock::time_point::max();
  boost::asio::post(thread_.shared().slow, [weak = weak_from_this(), mailbox = thread_.mailbox(), route = route_,
                                            &server = thread_.shared().server, body = std::move(body)] {
    mailbox->deliver(weak, answer(server, route, Method::kPost, body.get()));
  });
  read_ahead();
}

void Connection::on_answer(InferResponse&& answer) {
  if (state_ != State::kWaiting) return;
  respond(encode_infer_response(std::move(answer), binary_by_default_));
}

void Connection::on_answer(Response&& response) {
  if (state_ == State::kWaiting) respond(std::move(response));
}

void Connection::respond(Response&& response, bool must_close) {
  const HttpOptions& options = thread_.shared().options;
  const RequestHead& head = reader_.head();
  response_ = std::move(response);
  closes_ = closes_ || must_close || !head.keep_alive || thread_.shared().is_draining.load(std::memory_order_relaxed);
  deflate_response(response_, route_.endpoint == Endpoint::kInfer ? head.accepted_coding : Coding::kIdentity);
  out_.clear();
  append_head(out_, response_, head.http_1_0, !closes_, thread_.date());
  gather(head.method != Method::kHead);
  state_ = State::kWriting;
  deadline_ = allowed_until(Clock::now(), options.write_timeout, response_.body_bytes(), options.min_bytes_per_second);
  start_write(buffers_);
}

// One write for all of it: the head with what is small, then large tensors from where they lie.
void Connection::gather(bool with_body) {
  buffers_.clear();
  if (!with_body) return buffers_.push_back(boost::asio::buffer(out_));
  out_ += response_.text;
  size_t i = 0;
  for (; i < response_.tensors.size() && response_.tensors[i].size <= kCopiedBytes; ++i) {
    out_.append(reinterpret_cast<const char*>(response_.tensors[i].data), response_.tensors[i].size);
  }
  buffers_.push_back(boost::asio::buffer(out_));
  for (; i < response_.tensors.size(); ++i) {
    buffers_.push_back(boost::asio::buffer(response_.tensors[i].data, response_.tensors[i].size));
  }
}

void Connection::on_written(const ErrorCode& error) {
  if (state_ == State::kClosed) return;
  if (state_ == State::kContinue) {
    if (error) return close();
    state_ = State::kReading;
    return advance(reader_.accept_body());
  }
  log_access();
  if (error) return close();
  after_response();
}

void Connection::after_response() {
  response_ = {};
  if (out_.capacity() > kKeptOutBytes) out_ = {};
  body_.reset();
  request_id_.clear();
  if (closes_) {
    state_ = State::kLingering;
    deadline_ = Clock::now() + kLingerTime;
    const bool everything_was_read = reader_.is_complete() && !reader_.has_more();
    if (start_shutdown(everything_was_read && !is_reading_)) return;
    return everything_was_read ? close() : linger();
  }
  route_.model.clear();
  deadline_ = Clock::now() + thread_.shared().options.idle_timeout;
  state_ = State::kReading;
  advance(reader_.next());
}

void Connection::linger() {
  if (is_reading_) return;
  discarded_.resize(kLingerBuffer);
  is_reading_ = true;
  start_read(discarded_);
}

void Connection::log_access() {
  if (!thread_.shared().server.logs_access()) return;
  const RequestHead& head = reader_.head();
  InferenceServer::Access access;
  access.protocol = "http";
  access.peer = peer_;
  access.method = head.method_name;
  access.target = head.target;
  access.model = route_.model;
  access.id = request_id_;
  access.status = response_.status;
  access.request_bytes = reader_.request_bytes();
  access.response_bytes = out_.size();
  for (size_t i = 1; i < buffers_.size(); ++i) access.response_bytes += buffers_[i].size();
  const auto duration = Clock::now() - reader_.started();
  access.duration_us = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
  thread_.shared().server.log_access(access);
}

void Connection::check_time(Clock::time_point now) {
  if (now < deadline_) return;
  if (state_ == State::kReading && !reader_.is_idle()) {
    return respond(error_response(408, "request: did not arrive in time"), true);
  }
  close();
}

void Connection::drain() {
  closes_ = true;
  if (state_ == State::kReading && reader_.is_idle()) close();
}

void Connection::abort() {
  if (body_) body_->cancelled.store(true, std::memory_order_relaxed);
  close();
}

void Connection::close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  thread_.remove(shared_from_this());
  close_stream();
}

}  // namespace burnish::server::http
