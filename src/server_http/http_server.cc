#include "server_http/http_server.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <thread>

#include "base/error.h"
#include "server_http/io_thread.h"

namespace burnish::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using http::IoThread;

constexpr int kMostThreads = 4;
constexpr std::chrono::milliseconds kStopPoll{2};

tcp::endpoint parse_endpoint(const std::string& address, uint16_t port) {
  boost::system::error_code error;
  const auto parsed = asio::ip::make_address(address, error);
  check(!error, ErrorCode::kInvalidArgument, "http: address '{}' is no IPv4 or IPv6 address", address);
  return {parsed, port};
}

void load_certificate(asio::ssl::context& tls, const HttpOptions& options) {
  tls.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                  asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1 |
                  asio::ssl::context::no_compression);
  boost::system::error_code error;
  tls.use_certificate_chain_file(options.tls_certificate_file, error);
  check(!error, ErrorCode::kIo, "http: certificate '{}': {}", options.tls_certificate_file, error.message());
  tls.use_private_key_file(options.tls_key_file, asio::ssl::context::pem, error);
  check(!error, ErrorCode::kIo, "http: key '{}': {}", options.tls_key_file, error.message());
}

// With SO_REUSEPORT a second server at the same port would go unnoticed and take half of the connections.
void check_is_free(const tcp::endpoint& endpoint) {
  if (endpoint.port() == 0) return;
  asio::io_context context;
  tcp::acceptor probe(context);
  probe.open(endpoint.protocol());
  probe.set_option(tcp::acceptor::reuse_address(true));
  probe.bind(endpoint);
  probe.listen();
}

}  // namespace

struct HttpServer::Impl {
  Impl(InferenceServer& server, HttpOptions options)
      : shared{server, std::move(options), nullptr, std::nullopt},
        endpoint(parse_endpoint(shared.options.address, shared.options.port)) {
    const HttpOptions& o = shared.options;
    shared.budget = std::make_shared<http::MemoryBudget>(o.max_inflight_bytes);
    if (o.management_port) {
      management = parse_endpoint(o.management_address.empty() ? o.address : o.management_address, *o.management_port);
    }
    check(o.tls_certificate_file.empty() == o.tls_key_file.empty(), ErrorCode::kInvalidArgument,
          "http: TLS needs both a certificate and a key");
    if (o.tls_certificate_file.empty()) return;
    shared.tls.emplace(asio::ssl::context::tls_server);
    load_certificate(*shared.tls, o);
  }

  void bind_threads() {
    int count = shared.options.threads;
    if (count <= 0) count = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMostThreads);
    for (int i = 0; i < count; ++i) threads.push_back(std::make_unique<IoThread>(shared));
    for (const auto& thread : threads) bind(*thread, endpoint, false);
    if (management) bind(*threads.front(), *management, true);
  }

  // The first bind tells the port where any will do.
  static void bind_one(IoThread& thread, tcp::endpoint& at, bool is_management) {
    at = thread.listen(at, is_management);
  }

  void bind(IoThread& thread, tcp::endpoint& at, bool is_management) {
    try {
      bind_one(thread, at, is_management);
    } catch (const boost::system::system_error& e) {
      throw_error(ErrorCode::kIo, "http: cannot listen at {}:{}: {}", at.address().to_string(), at.port(),
                  e.code().message());
    }
  }

  http::Shared shared;
  tcp::endpoint endpoint;
  std::optional<tcp::endpoint> management;
  std::vector<std::unique_ptr<IoThread>> threads;
};

HttpServer::HttpServer(InferenceServer& server, HttpOptions options)
    : impl_(std::make_unique<Impl>(server, std::move(options))) {}

HttpServer::~HttpServer() {
  stop(Clock::now());
}

void HttpServer::start() {
  try {
    check_is_free(impl_->endpoint);
    if (impl_->management) check_is_free(*impl_->management);
  } catch (const boost::system::system_error& e) {
    throw_error(ErrorCode::kIo, "http: cannot listen at {}:{}: {}", impl_->endpoint.address().to_string(),
                impl_->endpoint.port(), e.code().message());
  }
  impl_->bind_threads();
  for (const auto& thread : impl_->threads) thread->start();
}

void HttpServer::stop(Clock::time_point deadline) {
  impl_->shared.is_draining = true;
  for (const auto& thread : impl_->threads) thread->drain();
  while (num_connections() > 0 && Clock::now() < deadline) std::this_thread::sleep_for(kStopPoll);
  for (const auto& thread : impl_->threads) thread->abort();
  impl_->threads.clear();
  impl_->shared.slow.join();
}

uint16_t HttpServer::port() const {
  return impl_->endpoint.port();
}
uint16_t HttpServer::management_port() const {
  return impl_->management ? impl_->management->port() : impl_->endpoint.port();
}
size_t HttpServer::num_connections() const {
  return impl_->shared.num_connections;
}

}  // namespace burnish::server
