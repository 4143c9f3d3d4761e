#include "server_http/request_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <cstring>

#include "server_http/header_values.h"

namespace burnish::server::http {
namespace {

namespace beast = boost::beast;
using ErrorCode = boost::system::error_code;
using beast::http::error;

constexpr size_t kFirstBuffer = 4096;

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

// Which part of the request Beast complains about.
std::string describe(const ErrorCode& code) {
  if (code == error::bad_method) return "request line: the method is malformed";
  if (code == error::bad_target) return "request line: the target is malformed";
  if (code == error::bad_version) return "request line: the version must be HTTP/1.0 or HTTP/1.1";
  if (code == error::bad_field) return "header: a field's name is malformed";
  if (code == error::bad_value) return "header: a field's value is malformed";
  if (code == error::bad_line_ending) return "header: a line must end with CR LF";
  if (code == error::bad_obs_fold) return "header: a folded field is too long";
  if (code == error::bad_content_length) return "Content-Length: must be one number, and none beside Transfer-Encoding";
  if (code == error::bad_transfer_encoding)
    return "Transfer-Encoding: must be 'chunked', and none beside Content-Length";
  if (code == error::bad_chunk || code == error::bad_chunk_extension) return "body: a chunk is malformed";
  return "request: " + code.message();
}

}  // namespace

// Collects what RequestHead keeps; bodies with a Content-Length never pass through it.
class RequestReader::HeadParser : public beast::http::basic_parser<true> {
 public:
  explicit HeadParser(RequestReader& reader) : reader_(reader) {
    header_limit(static_cast<uint32_t>(reader.limits_.max_header_bytes));
    body_limit(reader.limits_.max_body_bytes);
  }
  Status problem;

 private:
  void on_request_impl(beast::http::verb method, beast::string_view name, beast::string_view target, int version,
                       ErrorCode&) override {
    RequestHead& head = reader_.head_;
    head.method = method == beast::http::verb::get    ? Method::kGet
                  : method == beast::http::verb::post ? Method::kPost
                  : method == beast::http::verb::head ? Method::kHead
                                                      : Method::kOther;
    head.method_name = view(name);
    head.target = view(target);
    head.http_1_0 = version == 10;
  }
  void on_response_impl(int, beast::string_view, int, ErrorCode&) override {}

  void on_field_impl(beast::http::field field, beast::string_view name, beast::string_view raw,
                     ErrorCode& ec) override {
    RequestHead& head = reader_.head_;
    const std::string_view value = trimmed(view(raw));
    switch (field) {
      case beast::http::field::authorization:
        head.authorization = value;
        break;
      case beast::http::field::host:
        head.host = value;
        break;
      case beast::http::field::origin:
        head.origin = value;
        break;
      case beast::http::field::content_encoding:
        head.coding = parse_coding(value);
        break;
      case beast::http::field::accept_encoding:
        head.accepted_coding = parse_accepted(value);
        break;
      case beast::http::field::expect:
        head.expects_continue = equal_ignoring_case(value, "100-continue");
        break;
      case beast::http::field::transfer_encoding:
        if (!equal_ignoring_case(value, "chunked")) ec = error::bad_transfer_encoding;
        break;
      case beast::http::field::unknown:
        if (equal_ignoring_case(view(name), "Inference-Header-Content-Length")) read_json_length(value, ec);
        break;
      default:
        break;
    }
  }
  void read_json_length(std::string_view value, ErrorCode& ec) {
    reader_.head_.json_length = parse_unsigned(value);
    if (reader_.head_.json_length) return;
    problem = {StatusCode::kInvalidArgument,
               "Inference-Header-Content-Length: must be the number of bytes of the JSON"};
    ec = error::bad_value;
  }

  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, ErrorCode&) override {}
  size_t on_body_impl(beast::string_view body, ErrorCode&) override { return body.size(); }
  void on_chunk_header_impl(uint64_t, beast::string_view, ErrorCode&) override {}
  size_t on_chunk_body_impl(uint64_t, beast::string_view body, ErrorCode& ec) override {
    if (!reader_.append(body.data(), body.size())) ec = error::body_limit;
    return body.size();
  }
  void on_finish_impl(ErrorCode&) override {}

  RequestReader& reader_;
};

RequestReader::RequestReader(ReaderLimits limits, std::shared_ptr<MemoryBudget> budget)
    : limits_(limits), budget_(std::move(budget)), buffer_(std::min(kFirstBuffer, limits.max_header_bytes)) {}

RequestReader::~RequestReader() = default;

std::span<std::byte> RequestReader::prepare() {
  if (stage_ == Stage::kSized) return {body_->data() + body_->size(), *head_.content_length - body_->size()};
  make_room();
  return std::span(buffer_).subspan(end_);
}

std::span<std::byte> RequestReader::prepare_ahead() {
  if (begin_ != end_) return {};
  begin_ = end_ = 0;
  return buffer_;
}

// Moves what is left to the front, and grows the buffer when that is not enough.
void RequestReader::make_room() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ < buffer_.size()) return;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  } else {
    // One byte beyond the limit lets the parser find that it is exceeded.
    buffer_.resize(std::min(buffer_.size() * 2, std::max(limits_.max_header_bytes + 1, buffer_.size() + 1)));
  }
}

RequestReader::Progress RequestReader::commit(size_t num_bytes) {
  if (is_idle()) started_ = Clock::now();
  request_bytes_ += num_bytes;
  switch (stage_) {
    case Stage::kHead:
      end_ += num_bytes;
      return read_head();
    case Stage::kSized:
      body_->set_size(body_->size() + num_bytes);
      return read_sized();
    case Stage::kChunked:
      end_ += num_bytes;
      return read_chunks();
    case Stage::kComplete:
      return Progress::kComplete;
    case Stage::kBad:
      break;
  }
  return Progress::kBad;
}

RequestReader::Progress RequestReader::read_head() {
  if (!parser_) parser_ = std::make_unique<HeadParser>(*this);
  ErrorCode code;
  begin_ += parser_->put(boost::asio::buffer(buffer_.data() + begin_, end_ - begin_), code);
  if (code == error::need_more && has_whole_head()) {
    // Beast waits for the rest of a version that is too short.
    return fail(400, StatusCode::kInvalidArgument, describe(error::bad_version));
  }
  if (code == error::need_more && end_ - begin_ <= limits_.max_header_bytes) return Progress::kMore;
  if (code == error::need_more || code == error::header_limit) {
    return fail(431, StatusCode::kTooLarge, fmt::format("header: longer than {} bytes", limits_.max_header_bytes));
  }
  if (code == error::body_limit) {
    return fail(413, StatusCode::kTooLarge,
                fmt::format("Content-Length: a body may have {} bytes", limits_.max_body_bytes));
  }
  if (code)
    return fail(400, StatusCode::kInvalidArgument, parser_->problem.ok() ? describe(code) : parser_->problem.message);
  head_.keep_alive = parser_->keep_alive();
  head_.chunked = parser_->chunked();
  if (const auto length = parser_->content_length()) head_.content_length = *length;
  return Progress::kHead;
}

bool RequestReader::has_whole_head() const {
  const std::string_view there(reinterpret_cast<const char*>(buffer_.data()) + begin_, end_ - begin_);
  return there.find("\r\n\r\n") != std::string_view::npos;
}

RequestReader::Progress RequestReader::accept_body() {
  if (head_.chunked) {
    stage_ = Stage::kChunked;
    return read_chunks();
  }
  const size_t length = head_.content_length.value_or(0);
  if (length == 0) return complete();
  if (const Progress started = start_body(length); started == Progress::kBad) return started;
  stage_ = Stage::kSized;
  const size_t there = std::min(length, end_ - begin_);
  std::memcpy(body_->data(), buffer_.data() + begin_, there);
  begin_ += there;
  body_->set_size(there);
  return read_sized();
}

RequestReader::Progress RequestReader::start_body(size_t capacity) {
  // A compressed body's tensors are aligned once it is inflated.
  const bool plain = head_.coding == Coding::kIdentity;
  body_ = Body::create(budget_, capacity, plain ? head_.json_length.value_or(0) : 0);
  if (body_) return Progress::kMore;
  return fail(429, StatusCode::kResourceExhausted,
              "body: the bodies of all requests in flight fill their memory; try again");
}

RequestReader::Progress RequestReader::read_sized() {
  return body_->size() == *head_.content_length ? complete() : Progress::kMore;
}

// Beast finds the chunks; append() takes what is in them.
RequestReader::Progress RequestReader::read_chunks() {
  ErrorCode code;
  while (!parser_->is_done()) {
    const size_t used = parser_->put(boost::asio::buffer(buffer_.data() + begin_, end_ - begin_), code);
    begin_ += used;
    if (!error_.message.empty()) return Progress::kBad;
    if (code == error::need_more || (!code && begin_ == end_ && !parser_->is_done())) {
      if (end_ - begin_ <= limits_.max_header_bytes) return Progress::kMore;
      return fail(400, StatusCode::kInvalidArgument, "body: a chunk's header or the trailer is too long");
    }
    if (code == error::end_of_chunk) code = {};
    if (code == error::body_limit) {
      return fail(413, StatusCode::kTooLarge, fmt::format("body: longer than {} bytes", limits_.max_body_bytes));
    }
    if (code) return fail(400, StatusCode::kInvalidArgument, describe(code));
  }
  return complete();
}

// False when the body grows beyond its limit or the memory; error() tells of the latter.
bool RequestReader::append(const char* data, size_t size) {
  const size_t before = body_ ? body_->size() : 0;
  if (size > limits_.max_body_bytes - before) return false;
  if (!body_ || before + size > body_->capacity()) {
    const std::shared_ptr<Body> old = std::move(body_);
    const size_t wanted = std::min(limits_.max_body_bytes, std::max<size_t>(2 * (before + size), kFirstBuffer));
    if (start_body(wanted) == Progress::kBad) return false;
    if (before > 0) std::memcpy(body_->data(), old->data(), before);
  }
  std::memcpy(body_->data() + before, data, size);
  body_->set_size(before + size);
  return true;
}

RequestReader::Progress RequestReader::complete() {
  stage_ = Stage::kComplete;
  return Progress::kComplete;
}

RequestReader::Progress RequestReader::fail(int status, StatusCode code, std::string message) {
  stage_ = Stage::kBad;
  error_status_ = status;
  error_ = {code, std::move(message)};
  return Progress::kBad;
}

RequestReader::Progress RequestReader::next() {
  stage_ = Stage::kHead;
  parser_.reset();
  body_.reset();
  // Strings keep their memory.
  head_.method_name.clear();
  head_.target.clear();
  head_.authorization.clear();
  head_.host.clear();
  head_.origin.clear();
  head_.coding = head_.accepted_coding = Coding::kIdentity;
  head_.json_length = head_.content_length = std::nullopt;
  head_.chunked = head_.expects_continue = false;
  if (begin_ == end_) {
    begin_ = end_ = request_bytes_ = 0;
    return Progress::kMore;
  }
  started_ = Clock::now();
  request_bytes_ = end_ - begin_;
  return read_head();
}

}  // namespace burnish::server::http
