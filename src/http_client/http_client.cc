#include "http_client/http_client.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cctype>
#include <charconv>
#include <optional>

#include "base/error.h"

namespace burnish::http_client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using SystemError = boost::system::error_code;
using Parser = beast::http::response_parser<beast::http::string_body>;

constexpr uint32_t kMostHeadBytes = 64 << 10;
constexpr size_t kReadBytes = 64 << 10;

/// The server went away, which is no failure of ours.
bool is_end(const SystemError& error) {
  return error == asio::error::eof || error == beast::http::error::end_of_stream ||
         error == asio::error::connection_reset || error == asio::error::broken_pipe;
}

bool is_same_letter(char a, char b) {
  return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

std::string authority_of(const std::string& host, uint16_t port) {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

HttpAnswer answer_of(Parser& parser) {
  auto message = parser.release();
  std::string head;
  const auto append = [&head](beast::string_view text) -> void { head.append(text.data(), text.size()); };
  for (const auto& field : message) {
    for (const beast::string_view part : {field.name_string(), {": "}, field.value(), {"\r\n"}}) append(part);
  }
  return {static_cast<int>(message.result_int()), std::move(head), std::move(message.body())};
}

}  // namespace

// --- texts -----------------------------------------------------------------------------------------------------------
std::string_view HttpAnswer::field(std::string_view name) const {
  for (std::string_view rest = head; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(std::min(rest.size(), line.size() + 2));
    const size_t colon = line.find(": ");
    if (colon != std::string_view::npos && std::ranges::equal(line.substr(0, colon), name, is_same_letter)) {
      return line.substr(colon + 2);
    }
  }
  return {};
}

std::string_view HttpAnswer::json() const {
  const std::string_view text = field("Inference-Header-Content-Length");
  size_t length = body.size();
  std::from_chars(text.data(), text.data() + text.size(), length);
  return std::string_view(body).substr(0, length);
}

std::string_view HttpAnswer::binary() const {
  return std::string_view(body).substr(json().size());
}

std::string get_text(std::string_view target, std::string_view host, std::string_view fields) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n{}\r\n", target, host, fields);
}

std::string post_text(std::string_view target, std::string_view host, std::string_view body, std::string_view fields) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: {}\r\n{}Content-Length: {}\r\n\r\n{}", target, host, fields,
                     body.size(), body);
}

// --- the loop --------------------------------------------------------------------------------------------------------
struct HttpLoop::State {
  asio::io_context context{1};
};

HttpLoop::HttpLoop() : state_(std::make_unique<State>()) {}
HttpLoop::~HttpLoop() = default;

void HttpLoop::poll() {
  state_->context.restart();
  state_->context.poll();
}

void HttpLoop::run_until(Clock::time_point end) {
  state_->context.restart();
  state_->context.run_until(end);
}

// --- a connection ----------------------------------------------------------------------------------------------------
/// Shared with what the loop still has to call after its client is gone.
struct HttpClient::Connection : std::enable_shared_from_this<Connection> {
  Connection(asio::io_context& of, const HttpLimits& limits, std::string name)
      : context(of), stream(of), limits(limits), name(std::move(name)) {}

  void connect(const std::string& host, uint16_t port) {
    authority = authority_of(host, port);
    SystemError error;
    const auto addresses =
        tcp::resolver(context).resolve(host, std::to_string(port), tcp::resolver::numeric_service, error);
    check(!error, ErrorCode::kIo, "'{}': {}; is the host's name right?", name, error.message());
    error = wait([&](auto done) {
      stream.async_connect(addresses, [done](const SystemError& e, const tcp::endpoint&) { done(e); });
    });
    check(!error, ErrorCode::kIo, "'{}': {}; is the server running, and the port right?", name,
          error == beast::error::timeout ? "no answer in time" : error.message());
    stream.socket().set_option(tcp::no_delay(true));
    stream.socket().non_blocking(true);
  }

  /// Runs the loop until the operation that begin() starts has called what it is given, or the time is over.
  template <typename Begin>
  SystemError wait(const Begin& begin) {
    if (std::exchange(is_idle, false)) deadline = Clock::now() + limits.time;
    stream.expires_at(deadline);
    const auto result = std::make_shared<std::optional<SystemError>>();  // others in the loop may throw
    begin([result](const SystemError& error) { *result = error; });
    context.restart();
    while (!*result) context.run_one();
    return **result;
  }

  Parser& next_parser() {
    parser.emplace();
    parser->header_limit(kMostHeadBytes);
    parser->body_limit(limits.bytes);
    return *parser;
  }

  [[noreturn]] void fail(const SystemError& error) const {
    if (error == beast::error::timeout) {
      throw_error(ErrorCode::kIo, "'{}' did not answer in time; is the server overloaded, or the port another's?",
                  name);
    }
    if (error == beast::http::error::body_limit) {
      throw_error(ErrorCode::kIo, "'{}' answers with more than {} bytes; is it the right page?", name, limits.bytes);
    }
    if (parser && parser->is_header_done() && (is_end(error) || error == beast::http::error::partial_message)) {
      throw_error(ErrorCode::kIo, "'{}': the answer broke off after {} of {} bytes; try again", name,
                  parser->get().body().size(), parser->content_length().value_or(0));
    }
    if (error.category() == SystemError(beast::http::error::partial_message).category()) {
      throw_error(ErrorCode::kIo, "'{}' does not answer in HTTP ({}); is the port another's (gRPC, or https)?", name,
                  error.message());
    }
    throw_error(ErrorCode::kIo, "'{}': the connection broke: {}; try again", name, error.message());
  }

  /// Calls done when parser has a whole answer, or with what is in the way. Not http::async_read: that is twice as
  /// slow, and in Beast 1.74 forgets that a Content-Length was beyond the limit.
  template <typename Done>
  void read_answer(Done done) {
    const SystemError error = parse();
    if (error != beast::http::error::need_more) return asio::post(context, [done, error] { done(error); });
    stream.async_read_some(buffer.prepare(kReadBytes), [self = shared_from_this(), done](SystemError e, size_t n) {
      self->buffer.commit(n);
      if (e == asio::error::eof) return done(self->parse_end());
      if (e || (e = self->parse()) != beast::http::error::need_more) return done(e);
      self->read_answer(done);
    });
  }

  /// Of what has come: nothing when the answer is complete, else an error, which may be need_more.
  SystemError parse() {
    SystemError error = beast::http::error::need_more;
    while (!parser->is_done() && buffer.size() > 0) {
      buffer.consume(parser->put(buffer.data(), error));
      if (error) break;
      error = beast::http::error::need_more;
    }
    return parser->is_done() ? SystemError() : error;
  }
  SystemError parse_end() {
    SystemError error = beast::http::error::end_of_stream;
    if (parser->got_some()) parser->put_eof(error);
    return error;
  }

  /// For who does not wait.
  void take_answer() {
    read_answer([this](const SystemError& error) {
      if (error == asio::error::operation_aborted) return;
      if (error) fail(error);
      std::exchange(answered, {})(answer_of(*parser));
    });
  }

  asio::io_context& context;
  beast::basic_stream<tcp, asio::io_context::executor_type> stream;
  const HttpLimits limits;
  const std::string name;  ///< In errors.
  std::string authority;
  beast::flat_buffer buffer;
  std::optional<Parser> parser;
  std::function<void(const HttpAnswer&)> answered;
  Clock::time_point deadline;
  bool is_idle = true;  ///< No exchange is under way: the next one's time begins with it.
};

HttpClient::HttpClient(const std::string& host, uint16_t port, const HttpLimits& limits, const std::string& name)
    : own_loop_(std::make_unique<HttpLoop>()),
      connection_(std::make_shared<Connection>(own_loop_->state_->context, limits,
                                               name.empty() ? authority_of(host, port) : name)) {
  connection_->connect(host, port);
}

HttpClient::HttpClient(HttpLoop& loop, const std::string& host, uint16_t port, const HttpLimits& limits)
    : connection_(std::make_shared<Connection>(loop.state_->context, limits, authority_of(host, port))) {
  connection_->connect(host, port);
}

HttpClient::~HttpClient() {
  close();
}

void HttpClient::close() {
  connection_->stream.close();
}

void HttpClient::end_sending() {
  SystemError ignored;  // the server may be gone
  connection_->stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

bool HttpClient::send(std::string_view bytes) {
  Connection& c = *connection_;
  const SystemError error = c.wait([&](auto done) {
    asio::async_write(c.stream, asio::buffer(bytes), [done](const SystemError& e, size_t) { done(e); });
  });
  if (error && !is_end(error)) c.fail(error);
  return !error;
}

HttpAnswer HttpClient::receive(bool without_body) {
  Connection& c = *connection_;
  c.next_parser().skip(without_body);
  const SystemError error = c.wait([&](auto done) { c.read_answer(done); });
  c.is_idle = true;
  if (is_end(error) && !c.parser->is_header_done()) return {};
  if (error) c.fail(error);
  return answer_of(*c.parser);
}

bool HttpClient::is_ended() {
  Connection& c = *connection_;
  if (c.buffer.size() > 0) return false;
  const SystemError error = c.wait([&](auto done) {
    c.stream.async_read_some(c.buffer.prepare(kReadBytes), [&c, done](const SystemError& e, size_t n) {
      c.buffer.commit(n);
      done(e);
    });
  });
  c.is_idle = true;
  if (error && !is_end(error)) c.fail(error);
  return is_end(error);
}

HttpAnswer HttpClient::get(std::string_view target, std::string_view fields) {
  send(get_text(target, connection_->authority, fields));
  return receive();
}

HttpAnswer HttpClient::post(std::string_view target, std::string_view body, std::string_view fields) {
  send(post_text(target, connection_->authority, body, fields));
  return receive();
}

void HttpClient::start(std::string_view request, std::function<void(const HttpAnswer&)> answered) {
  Connection& c = *connection_;
  c.answered = std::move(answered);
  c.next_parser();
  c.stream.expires_never();
  // What the system takes at once, which is nearly always all, needs no turn of the loop.
  SystemError error;
  const size_t sent = c.stream.socket().write_some(asio::buffer(request), error);
  if (error && error != asio::error::would_block) c.fail(error);
  if (sent == request.size()) return c.take_answer();
  asio::async_write(c.stream, asio::buffer(request.substr(sent)), [self = connection_](const SystemError& e, size_t) {
    if (e == asio::error::operation_aborted) return;
    if (e) self->fail(e);
    self->take_answer();
  });
}

}  // namespace burnish::http_client
