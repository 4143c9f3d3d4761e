#pragma once
// A blocking client that sends just the bytes that a test says.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

namespace burnish::server::testing {

struct HttpAnswer {
  int status = 0;  // 0: the connection ended before an answer
  std::string head, body;
  /// Of a header field; "" when it is not there.
  std::string field(std::string_view name) const {
    const std::string key = "\r\n" + std::string(name) + ": ";
    const size_t at = head.find(key);
    return at == std::string::npos ? "" : head.substr(at + key.size(), head.find("\r\n", at + 2) - at - key.size());
  }
  std::string json() const { return body.substr(0, std::min(body.size(), json_length())); }
  std::string binary() const { return body.substr(json().size()); }

 private:
  size_t json_length() const {
    const std::string text = field("Inference-Header-Content-Length");
    return text.empty() ? body.size() : std::stoul(text);
  }
};

class HttpClient {
 public:
  explicit HttpClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~HttpClient() { close(); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  /// False when the server has closed the connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
  void end_sending() { ::shutdown(socket_, SHUT_WR); }

  /// The next answer. without_body: to a HEAD request.
  HttpAnswer receive(bool without_body = false) {
    HttpAnswer answer;
    size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return answer;
    }
    answer.head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    answer.status = std::stoi(answer.head.substr(9, 3));
    const std::string length = answer.field("Content-Length");
    const size_t size = without_body || length.empty() ? 0 : std::stoul(length);
    while (buffer_.size() < size) {
      if (!more()) return {};
    }
    answer.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return answer;
  }
  /// True when the server ends the connection without another byte.
  bool is_ended() { return buffer_.empty() && !more(); }

  HttpAnswer get(std::string_view target, std::string_view fields = "") {
    send("GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" + std::string(fields) + "\r\n");
    return receive();
  }
  HttpAnswer post(std::string_view target, std::string_view body, std::string_view fields = "") {
    send(post_text(target, body, fields));
    return receive();
  }
  static std::string post_text(std::string_view target, std::string_view body, std::string_view fields = "") {
    return "POST " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" + std::string(fields) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
  }

 private:
  bool more() {
    char bytes[65536];
    const ssize_t n = ::recv(socket_, bytes, sizeof bytes, 0);
    if (n <= 0) return false;
    buffer_.append(bytes, static_cast<size_t>(n));
    return true;
  }

  int socket_;
  std::string buffer_;
};

}  // namespace burnish::server::testing
