#include "server_http/io_thread.h"

#include <sys/socket.h>

#include <array>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <ctime>

#include "server_http/stream_connection.h"

namespace burnish::server::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr std::chrono::milliseconds kSweepInterval{250}, kAcceptPause{50};
constexpr std::string_view kFullAnswer =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 45\r\nRetry-After: 1\r\n"
    "Connection: close\r\n\r\n{\"error\":\"server: too many connections open\"}";

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

std::string name_of_peer(const tcp::socket& socket) {
  ErrorCode error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  return error ? std::string() : peer.address().to_string() + ":" + std::to_string(peer.port());
}

}  // namespace

IoThread::IoThread(Shared& shared)
    : shared_(shared),
      mailbox_(std::make_shared<Mailbox>(context_)),
      decoder_(shared.server, shared.budget, shared.options.max_json_bytes),
      sweep_timer_(context_),
      date_(http_date()) {}

IoThread::~IoThread() {
  join();
  mailbox_->close();
}

IoThread::Tcp::endpoint IoThread::listen(const Tcp::endpoint& endpoint, bool is_management) {
  auto listener =
      std::make_unique<Listener>(Listener{tcp::acceptor(context_), is_management, asio::steady_timer(context_)});
  tcp::acceptor& acceptor = listener->acceptor;
  acceptor.open(endpoint.protocol());
  acceptor.set_option(tcp::acceptor::reuse_address(true));
  const int on = 1;
  if (setsockopt(acceptor.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
    throw boost::system::system_error(errno, boost::system::system_category(), "SO_REUSEPORT");
  }
  if (endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false));
  acceptor.bind(endpoint);
  acceptor.listen(asio::socket_base::max_listen_connections);
  accept(*listener);
  listeners_.push_back(std::move(listener));
  return acceptor.local_endpoint();
}

void IoThread::start() {
  sweep();
  thread_ = std::thread([this] { run(); });
}

void IoThread::run() {
  mailbox_->set_current();
  while (true) {
    try {
      context_.run();
      return;
    } catch (const std::exception& e) {
      shared_.options.reporter.log(LogLevel::kWarning, std::string("http: ") + e.what());
    }
  }
}

void IoThread::accept(Listener& listener) {
  listener.acceptor.async_accept([this, &listener](const ErrorCode& error, tcp::socket socket) {
    // Also when it had come already as the listeners were closed: a closed one accepts nothing, again and again.
    if (error == asio::error::operation_aborted || is_draining_) return;
    if (!error) {
      on_accepted(listener, std::move(socket));
      return accept(listener);
    }
    // Out of file descriptors, most likely: some will come back.
    listener.pause.expires_after(kAcceptPause);
    listener.pause.async_wait([this, &listener](const ErrorCode& cancelled) {
      if (!cancelled && !is_draining_) accept(listener);
    });
  });
}

void IoThread::on_accepted(Listener& listener, tcp::socket socket) {
  ErrorCode ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  if (shared_.num_connections.load(std::memory_order_relaxed) < shared_.options.max_connections) {
    return start_connection(std::move(socket), listener.is_management);
  }
  if (shared_.tls) return;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(kFullAnswer), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

void IoThread::start_connection(tcp::socket socket, bool is_management) {
  std::string peer = name_of_peer(socket);
  std::shared_ptr<Connection> connection;
  if (shared_.tls) {
    using Tls = asio::ssl::stream<tcp::socket>;
    connection = std::make_shared<StreamConnection<Tls>>(*this, is_management, std::move(peer),
                                                         Tls(std::move(socket), *shared_.tls));
  } else {
    connection =
        std::make_shared<StreamConnection<tcp::socket>>(*this, is_management, std::move(peer), std::move(socket));
  }
  connection->start();
}

void IoThread::add(std::shared_ptr<Connection> connection) {
  connections_.insert(std::move(connection));
  shared_.num_connections.fetch_add(1, std::memory_order_relaxed);
}

void IoThread::remove(const std::shared_ptr<Connection>& connection) {
  if (connections_.erase(connection) == 0) return;
  shared_.num_connections.fetch_sub(1, std::memory_order_relaxed);
  if (is_draining_ && connections_.empty()) sweep_timer_.cancel();
}

void IoThread::sweep() {
  date_ = http_date();
  const Clock::time_point now = Clock::now();
  const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
  for (const auto& connection : all) connection->check_time(now);
  if (is_draining_ && connections_.empty()) return;
  sweep_timer_.expires_after(kSweepInterval);
  sweep_timer_.async_wait([this](const ErrorCode& error) {
    if (!error) sweep();
  });
}

void IoThread::close_listeners() {
  ErrorCode ignored;
  for (const auto& listener : listeners_) {
    listener->acceptor.close(ignored);
    listener->pause.cancel();
  }
}

void IoThread::drain() {
  asio::post(context_, [this] {
    is_draining_ = true;
    close_listeners();
    const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
    for (const auto& connection : all) connection->drain();
    if (connections_.empty()) sweep_timer_.cancel();
  });
}

void IoThread::abort() {
  asio::post(context_, [this] {
    const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
    for (const auto& connection : all) connection->abort();
  });
}

void IoThread::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace burnish::server::http
