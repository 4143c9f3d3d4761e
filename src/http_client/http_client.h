#pragma once
// A small HTTP/1.1 client, for asking servers, testing them and loading them. No TLS, no redirections.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace burnish::http_client {

struct HttpLimits {
  std::chrono::milliseconds time{10'000};  ///< Of an exchange: connecting, sending and taking the answer.
  size_t bytes = size_t{16} << 20;         ///< Of an answer's body.
};

struct HttpAnswer {
  int status = 0;    ///< 0: the connection ended before an answer.
  std::string head;  ///< Fields: "Name: value\r\n", one after the other.
  std::string body;

  /// A header field's value; "" where there is none.
  std::string_view field(std::string_view name) const;
  /// The parts of KServe's answers: JSON, and the binary tensors that may follow it (Inference-Header-Content-Length).
  std::string_view json() const;
  std::string_view binary() const;
};

/// fields: whole lines, each with its end ("Name: value\r\n").
std::string get_text(std::string_view target, std::string_view host, std::string_view fields = "");
std::string post_text(std::string_view target, std::string_view host, std::string_view body,
                      std::string_view fields = "");

/// What the clients of one thread wait for, so that none of them keeps another waiting.
class HttpLoop {
 public:
  HttpLoop();
  ~HttpLoop();
  HttpLoop(const HttpLoop&) = delete;
  HttpLoop& operator=(const HttpLoop&) = delete;

  /// Takes what has come, without waiting, and calls the clients' functions.
  void poll();
  /// The same, again and again until that time. What those functions throw comes out here.
  void run_until(std::chrono::steady_clock::time_point end);

 private:
  friend class HttpClient;
  struct State;
  std::unique_ptr<State> state_;
};

/// One connection. Every function throws kIo, naming the server and the reason, when the time is over, the answer is
/// too large, breaks off or is not HTTP, or the system fails.
class HttpClient {
 public:
  /// Connects to the first of the host's addresses that takes it. name: of the server in errors ["HOST:PORT"]. Finding
  /// a name's addresses takes as long as the system likes. Throws kIo where there is no such host, or no server there.
  HttpClient(const std::string& host, uint16_t port, const HttpLimits& limits = {}, const std::string& name = "");
  /// With others in one loop, which is to live longer than the client.
  HttpClient(HttpLoop& loop, const std::string& host, uint16_t port, const HttpLimits& limits = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // --- waiting -------------------------------------------------------------------------------------------------------
  /// Just these bytes, whatever they are. False when the server has closed the connection.
  bool send(std::string_view bytes);
  /// The next answer. without_body: to a HEAD request.
  HttpAnswer receive(bool without_body = false);
  HttpAnswer get(std::string_view target, std::string_view fields = "");
  HttpAnswer post(std::string_view target, std::string_view body, std::string_view fields = "");
  /// Waits for the next byte: true when the server ends the connection instead.
  bool is_ended();
  void end_sending();
  void close();

  // --- in a loop -----------------------------------------------------------------------------------------------------
  /// Sends a request, whose bytes live until the answer, and calls the function with it from the loop; its status is
  /// never 0. No limit of time: whoever runs the loop watches the clock.
  void start(std::string_view request, std::function<void(const HttpAnswer&)> answered);

 private:
  struct Connection;
  std::unique_ptr<HttpLoop> own_loop_;
  std::shared_ptr<Connection> connection_;
};

}  // namespace burnish::http_client
