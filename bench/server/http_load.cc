// How many inferences a second a server answers over HTTP, and how long each takes. One thread, epoll, keep-alive
// connections that each send their next request when the last is answered.
//
//   bench_http_load --port 8000 --model identity --input INPUT0 --shape 1,16 --connections 64 --seconds 5
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
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string host = "127.0.0.1", model = "identity", input = "INPUT0", datatype = "FP32";
  std::vector<int64_t> shape = {1, 16};
  int port = 8000, connections = 64;
  double seconds = 5, warmup = 1;
  bool json = false, check_echo = false;
};

size_t element_bytes(std::string_view datatype) {
  if (datatype.ends_with("64")) return 8;
  if (datatype.ends_with("32")) return 4;
  return datatype.ends_with("16") ? 2 : 1;
}

std::string make_request(const Options& o) {
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

// The number behind a header field's name; -1 when it is not there.
long field_of(std::string_view head, std::string_view name) {
  const size_t at = head.find(name);
  if (at == std::string_view::npos) return -1;
  long value = -1;
  std::from_chars(head.data() + at + name.size(), head.data() + head.size(), value);
  return value;
}

class Connection {
 public:
  Connection(const Options& options, int epoll) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
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

struct Result {
  std::vector<float> latencies_us;
  double seconds = 0;
  size_t errors = 0;
  std::string first_error;
};

class Load {
 public:
  explicit Load(const Options& options) : options_(options), request_(make_request(options)), epoll_(epoll_create1(0)) {
    for (int i = 0; i < options.connections; ++i) connections_.push_back(std::make_unique<Connection>(options, epoll_));
  }
  ~Load() { ::close(epoll_); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  Result run() {
    const auto start = Clock::now();
    measured_from_ = start + duration(options_.warmup);
    const auto end = measured_from_ + duration(options_.seconds);
    for (const auto& connection : connections_) connection->start(request_);
    while (Clock::now() < end) step();
    result_.seconds = options_.seconds;
    std::sort(result_.latencies_us.begin(), result_.latencies_us.end());
    return std::move(result_);
  }

 private:
  static Clock::duration duration(double seconds) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }

  void step() {
    epoll_event events[256];
    const int n = epoll_wait(epoll_, events, 256, 100);
    for (int i = 0; i < n; ++i) {
      auto* connection = static_cast<Connection*>(events[i].data.ptr);
      if ((events[i].events & EPOLLOUT) != 0) connection->flush();
      if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0 || !connection->receive()) continue;
      note(*connection);
      connection->start(request_);
    }
  }

  void note(const Connection& connection) {
    const bool right =
        connection.status() == 200 &&
        (!options_.check_echo || (request_.ends_with(connection.tensors()) && !connection.tensors().empty()));
    if (!right && result_.errors++ == 0) result_.first_error = connection.answer();
    const auto now = Clock::now();
    if (now < measured_from_ || !right) return;
    result_.latencies_us.push_back(std::chrono::duration<float, std::micro>(now - connection.began()).count());
  }

  const Options& options_;
  const std::string request_;
  int epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  Clock::time_point measured_from_;
  Result result_;
};

double percentile(const std::vector<float>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(share * static_cast<double>(sorted.size())))];
}

void print(const Options& o, const Result& r) {
  const double rate = static_cast<double>(r.latencies_us.size()) / r.seconds;
  const double p50 = percentile(r.latencies_us, 0.5), p90 = percentile(r.latencies_us, 0.9),
               p99 = percentile(r.latencies_us, 0.99), worst = r.latencies_us.empty() ? 0 : r.latencies_us.back();
  if (o.json) {
    std::printf(
        "{\"protocol\": \"http\", \"model\": \"%s\", \"connections\": %d, \"inferences_per_second\": %.1f, "
        "\"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f, \"errors\": %zu}\n",
        o.model.c_str(), o.connections, rate, p50, p90, p99, worst, r.errors);
  } else {
    std::printf(
        "HTTP, %s, %d connections: %.0f inferences/s; latency p50 %.0f us, p90 %.0f, p99 %.0f, max %.0f; %zu errors\n",
        o.model.c_str(), o.connections, rate, p50, p90, p99, worst, r.errors);
  }
  if (r.errors > 0) std::fprintf(stderr, "first error: %s\n", r.first_error.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Load over HTTP: inferences a second and latencies");
  app.add_option("--host", options.host);
  app.add_option("--port", options.port);
  app.add_option("--model", options.model);
  app.add_option("--input", options.input);
  app.add_option("--shape", options.shape)->delimiter(',');
  app.add_option("--datatype", options.datatype);
  app.add_option("--connections", options.connections)->check(CLI::Range(1, 10000));
  app.add_option("--seconds", options.seconds);
  app.add_option("--warmup", options.warmup);
  app.add_flag("--json", options.json);
  app.add_flag("--check-echo", options.check_echo, "the answer's tensor must be the input");
  CLI11_PARSE(app, argc, argv);
  try {
    const Result result = Load(options).run();
    print(options, result);
    return result.errors == 0 && !result.latencies_us.empty() ? 0 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_http_load: %s\n", e.what());
    return 1;
  }
}
