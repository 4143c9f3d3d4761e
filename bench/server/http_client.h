#pragma once
// What load generators over HTTP share: one inference request of a made-up tensor, and a keep-alive connection that
// sends it and takes the answer without blocking.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace burnish::bench {

using Clock = std::chrono::steady_clock;

/// Whom to ask, and for what.
struct Target {
  std::string host = "127.0.0.1", model = "identity", input = "INPUT0", datatype = "FP32";
  std::vector<int64_t> shape = {1, 16};
  int port = 8000, connections = 64;
};

inline void add_target_options(CLI::App& app, Target& target) {
  app.add_option("--host", target.host);
  app.add_option("--port", target.port);
  app.add_option("--model", target.model);
  app.add_option("--input", target.input);
  app.add_option("--shape", target.shape)->delimiter(',');
  app.add_option("--datatype", target.datatype);
  app.add_option("--connections", target.connections)->check(CLI::Range(1, 10000));
}

inline size_t element_bytes(std::string_view datatype) {
  if (datatype.ends_with("64")) return 8;
  if (datatype.ends_with("32")) return 4;
  return datatype.ends_with("16") ? 2 : 1;
}

inline std::string make_request(const Target& o) {
  int64_t elements = 1;
  std::string shape;
  for (const int64_t extent : o.shape) {
    elements *= extent;
    shape += (shape.empty() ? "" : ",") + std::to_string(extent);
  }
  std::string data(static_cast<size_t>(elements) * element_bytes(o.datatype), '\0');
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i % 61);  // no NaN, no infinity; small integers
  const std::string json = R"({"inputs":[{"name":")" + o.input + R"(","shape":[)" + shape + R"(],"datatype":")" +
                           o.datatype + R"(","parameters":{"binary_data_size":)" + std::to_string(data.size()) +
                           R"(}}],"parameters":{"binary_data_output":true}})";
  return "POST /v2/models/" + o.model + "/infer HTTP/1.1\r\nHost: " + o.host +
         "\r\nContent-Type: application/octet-stream\r\nInference-Header-Content-Length: " +
         std::to_string(json.size()) + "\r\nContent-Length: " + std::to_string(json.size() + data.size()) + "\r\n\r\n" +
         json + data;
}

/// The number behind a header field's name; -1 when it is not there.
inline long field_of(std::string_view head, std::string_view name) {
  const size_t at = head.find(name);
  if (at == std::string_view::npos) return -1;
  long value = -1;
  std::from_chars(head.data() + at + name.size(), head.data() + head.size(), value);
  return value;
}

class Connection {
 public:
  Connection(const Target& options, int epoll) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(options.port));
    if (inet_pton(AF_INET, options.host.c_str(), &address.sin_addr) != 1)
      throw std::runtime_error("--host: not an IPv4 address");
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("cannot connect to " + options.host + ":" + std::to_string(options.port));
    }
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.ptr = this;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd_, &event);
  }
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start(std::string_view request) {
    began_ = Clock::now();
    unsent_ = request;
    flush();
  }
  void flush() {
    while (!unsent_.empty()) {
      const ssize_t n = ::send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
      if (n < 0) {
        if (errno == EAGAIN) return;
        throw std::runtime_error("the server closed a connection");
      }
      unsent_.remove_prefix(static_cast<size_t>(n));
    }
  }
  // True when the answer is complete; status() and body() hold until the next start().
  bool receive() {
    if (is_complete_) answer_.clear();
    is_complete_ = false;
    char bytes[65536];
    while (true) {
      const ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
      if (n == 0) throw std::runtime_error("the server closed a connection");
      if (n < 0) return false;
      answer_.append(bytes, static_cast<size_t>(n));
      if (parse()) return is_complete_ = true;
      if (static_cast<size_t>(n) < sizeof bytes) return false;
    }
  }
  int status() const { return status_; }
  std::string_view tensors() const { return std::string_view(answer_).substr(tensors_at_); }
  const std::string& answer() const { return answer_; }
  Clock::time_point began() const { return began_; }

 private:
  bool parse() {
    const size_t end = answer_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const std::string_view head = std::string_view(answer_).substr(0, end);
    const long length = field_of(head, "\r\nContent-Length: ");
    status_ = std::atoi(answer_.c_str() + 9);
    tensors_at_ = end + 4 + static_cast<size_t>(std::max(0L, field_of(head, "\r\nInference-Header-Content-Length: ")));
    return answer_.size() >= end + 4 + static_cast<size_t>(std::max(0L, length));
  }

  int fd_;
  int status_ = 0;
  bool is_complete_ = false;
  size_t tensors_at_ = 0;
  std::string_view unsent_;
  std::string answer_;
  Clock::time_point began_;
};

}  // namespace burnish::bench
