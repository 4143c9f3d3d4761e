#include "cli/http_get.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <string_view>

#include "base/error.h"

namespace burnish::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kScheme = "http://";
constexpr std::string_view kDefaultPort = "80";

struct Url {
  std::string host, port, authority, path;
};

Url parse_url(const std::string& text) {
  check(!text.starts_with("https://"), ErrorCode::kInvalidArgument,
        "'{}': only http:// is spoken here; save the answer with `curl -o FILE URL` and give the file", text);
  const bool is_clean = text.find_first_of(" \t\r\n#@") == std::string::npos;
  Url url;
  if (text.starts_with(kScheme) && is_clean) {
    const std::string rest = text.substr(kScheme.size());
    const size_t slash = std::min(rest.find('/'), rest.size());
    url.authority = rest.substr(0, slash);
    url.path = slash < rest.size() ? rest.substr(slash) : "/";
    const bool is_v6 = url.authority.starts_with('[');
    const size_t host_end = is_v6 ? url.authority.find(']') : std::min(url.authority.find(':'), url.authority.size());
    if (host_end != std::string::npos) {
      url.host = is_v6 ? url.authority.substr(1, host_end - 1) : url.authority.substr(0, host_end);
      const std::string after = url.authority.substr(host_end + (is_v6 ? 1 : 0));
      url.port = after.empty() ? kDefaultPort : after.starts_with(':') ? after.substr(1) : "";
    }
  }
  check(!url.host.empty() && !url.port.empty() && url.port.find_first_not_of("0123456789") == std::string::npos,
        ErrorCode::kInvalidArgument, "'{}' is no URL; write it like http://localhost:8000/metrics", text);
  return url;
}

/// A connection to the first of a host's addresses that takes one; everything happens before the deadline.
class Socket {
 public:
  Socket(const Url& url, const std::string& name, Clock::time_point deadline) : name_(name), deadline_(deadline) {
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    const int error = getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found);
    check(error == 0, ErrorCode::kIo, "'{}': {}", name, gai_strerror(error));
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
    int reason = 0;
    for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next) {
      if ((reason = connect_to(*a)) == 0) return;
    }
    throw_error(ErrorCode::kIo, "'{}': {}; is the server running, and the port right?", name, std::strerror(reason));
  }
  ~Socket() { close(); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
      check(n >= 0 || errno == EAGAIN || errno == EINTR, ErrorCode::kIo, "'{}': the connection broke: {}", name_,
            std::strerror(errno));
      if (n > 0) text.remove_prefix(static_cast<size_t>(n));
      if (n <= 0 && !wait(POLLOUT)) fail_late();
    }
  }

  /// Up to the connection's end.
  std::string receive(size_t most) {
    std::string text;
    char bytes[16384];
    while (true) {
      if (!wait(POLLIN)) fail_late();
      const ssize_t n = ::recv(descriptor_, bytes, sizeof bytes, 0);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      check(n >= 0, ErrorCode::kIo, "'{}': the connection broke: {}", name_, std::strerror(errno));
      if (n == 0) return text;
      text.append(bytes, static_cast<size_t>(n));
      check(text.size() <= most, ErrorCode::kIo, "'{}' answers with more than {} bytes; is that a metrics page?", name_,
            most);
    }
  }

 private:
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }
  [[noreturn]] void fail_late() const {
    throw_error(ErrorCode::kIo, "'{}' did not answer in time; is the server overloaded, or the port another's?", name_);
  }
  bool wait(short events) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
    pollfd waiting{descriptor_, events, 0};
    return left > 0 && ::poll(&waiting, 1, static_cast<int>(left)) >= 0 && waiting.revents != 0;
  }
  /// The system's error number; 0 is none.
  int connect_to(const addrinfo& address) {
    close();
    descriptor_ = ::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol);
    if (descriptor_ < 0) return errno;
    if (::connect(descriptor_, address.ai_addr, address.ai_addrlen) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    if (!wait(POLLOUT)) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
  }

  const std::string& name_;
  Clock::time_point deadline_;
  int descriptor_ = -1;
};

bool is_same_letter(char a, char b) {
  return (a | 0x20) == (b | 0x20);
}

/// A header field's value; empty where there is none.
std::string_view field_of(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const size_t end = head.find("\r\n");
    std::string_view line = head.substr(0, end);
    head.remove_prefix(end == std::string_view::npos ? head.size() : end + 2);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        std::equal(name.begin(), name.end(), line.begin(), is_same_letter)) {
      line.remove_prefix(name.size() + 1);
      line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
      return line;
    }
  }
  return {};
}

HttpAnswer parse_answer(const std::string& text, const std::string& url) {
  HttpAnswer answer;
  const size_t end = text.find("\r\n\r\n");
  const bool is_http = text.starts_with("HTTP/1.") && end != std::string::npos && end > 12 &&
                       std::from_chars(text.data() + 9, text.data() + 12, answer.status).ptr == text.data() + 12;
  check(is_http, ErrorCode::kIo, "'{}' does not answer in HTTP; is the port another's (gRPC, or https)?", url);
  const std::string_view head = std::string_view(text).substr(0, end);
  check(field_of(head, "Transfer-Encoding").empty(), ErrorCode::kIo,
        "'{}' answers in pieces though HTTP/1.0 has none; save the answer with `curl -o FILE URL` and give the file",
        url);
  answer.body = text.substr(end + 4);
  const std::string_view length = field_of(head, "Content-Length");
  size_t expected = answer.body.size();
  if (!length.empty()) std::from_chars(length.data(), length.data() + length.size(), expected);
  check(answer.body.size() >= expected, ErrorCode::kIo, "'{}': the answer broke off after {} of {} bytes; try again",
        url, answer.body.size(), expected);
  answer.body.resize(expected);
  return answer;
}

}  // namespace

HttpAnswer http_get(const std::string& url, const HttpLimits& limits) {
  const Url parts = parse_url(url);
  Socket socket(parts, url, Clock::now() + limits.time);
  socket.send(fmt::format("GET {} HTTP/1.0\r\nHost: {}\r\nUser-Agent: burnish\r\nAccept: */*\r\n\r\n", parts.path,
                          parts.authority));
  return parse_answer(socket.receive(limits.bytes), url);
}

bool is_url(const std::string& text) {
  return text.find("://") != std::string::npos;
}

std::string sibling_url(const std::string& url, const std::string& path) {
  return fmt::format("{}{}{}", kScheme, parse_url(url).authority, path);
}

}  // namespace burnish::cli
