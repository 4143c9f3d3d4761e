#pragma once
// One client's connection: reads requests one after the other, has them answered, writes the answers. What reads and
// writes bytes is left to StreamConnection. All functions are called on the connection's I/O thread.
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "server_http/request_reader.h"
#include "server_http/response.h"
#include "server_http/router.h"

namespace burnish::server::http {

class IoThread;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using ErrorCode = boost::system::error_code;

  Connection(IoThread& thread, bool is_management, std::string peer);
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Once, by its maker.
  virtual void start() = 0;
  /// The answer of the request that was handed over.
  void on_answer(InferResponse&& answer);
  void on_answer(Response&& response);
  /// Closes what has taken too long.
  void check_time(Clock::time_point now);
  /// Closes at once when no request has begun, else after its answer.
  void drain();
  void abort();

 protected:
  /// From start(): the thread keeps the connection from now on.
  void register_self();
  /// When the stream is ready.
  void begin();
  void on_read(const ErrorCode& error, size_t num_bytes);
  void on_written(const ErrorCode& error);

  virtual void start_read(std::span<std::byte> into) = 0;
  virtual void start_write(const std::vector<boost::asio::const_buffer>& buffers) = 0;
  /// Says that nothing more will be sent. True: on_shut_down() will follow; false: the client is still to be listened
  /// to.
  virtual bool start_shutdown(bool everything_was_read) = 0;
  virtual void close_stream() = 0;
  void on_shut_down() { close(); }

  IoThread& thread() { return thread_; }

 private:
  enum class State {
    kStarting,   // TLS
    kReading,    // waits for bytes of a request
    kContinue,   // writes "100 Continue"
    kWaiting,    // the InferenceServer has the request
    kWriting,    // the answer
    kLingering,  // reads what the client still sends, so that it sees the answer before the connection breaks
    kClosed
  };

  void advance(RequestReader::Progress progress);
  void read();
  void read_ahead();
  RequestReader::Progress on_head();
  std::optional<Response> refusal_of(const RequestHead& head);
  std::optional<Response> access_refusal(const RequestHead& head) const;
  void dispatch();
  void dispatch_inference(std::shared_ptr<Body> body);
  void dispatch_slow(std::shared_ptr<Body> body);
  void respond(Response&& response, bool must_close = false);
  void gather(bool with_body);
  void after_response();
  void linger();
  void log_access();
  void close();

  IoThread& thread_;
  const bool is_management_;
  const std::string peer_;
  State state_ = State::kStarting;
  bool is_reading_ = false, closes_ = false;
  Clock::time_point deadline_ = Clock::time_point::max();
  RequestReader reader_;
  Route route_;
  bool binary_by_default_ = false;
  std::optional<Response> refusal_;
  std::shared_ptr<Body> body_;  // of the request that waits
  std::string request_id_;
  Response response_;
  std::string out_;
  std::vector<boost::asio::const_buffer> buffers_;
  std::vector<std::byte> discarded_;
};

}  // namespace burnish::server::http
