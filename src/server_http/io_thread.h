#pragma once
// One thread of the server: its io_context, its sockets, and its connections.
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "server/inference_server.h"
#include "server_http/body.h"
#include "server_http/http_server.h"
#include "server_http/infer_decoder.h"
#include "server_http/mailbox.h"

namespace burnish::server::http {

class Connection;

/// What all threads of a server share.
struct Shared {
  InferenceServer& server;
  HttpOptions options;
  std::shared_ptr<MemoryBudget> budget;
  std::optional<boost::asio::ssl::context> tls;
  boost::asio::thread_pool slow{1};  ///< For loading and unloading models.
  std::atomic<size_t> num_connections = 0;
  std::atomic<bool> is_draining = false;
};

class IoThread {
 public:
  using Tcp = boost::asio::ip::tcp;

  explicit IoThread(Shared& shared);
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  /// Before start(). Throws boost's system_error.
  Tcp::endpoint listen(const Tcp::endpoint& endpoint, bool is_management);
  void start();
  /// From any thread. drain: no new connections; ends when the last has gone. abort: closes all of them.
  void drain();
  void abort();
  void join();

  Shared& shared() { return shared_; }
  InferDecoder& decoder() { return decoder_; }
  const std::shared_ptr<Mailbox>& mailbox() { return mailbox_; }
  std::string_view date() const { return date_; }
  void add(std::shared_ptr<Connection> connection);
  void remove(const std::shared_ptr<Connection>& connection);

 private:
  struct Listener {
    Tcp::acceptor acceptor;
    bool is_management;
    boost::asio::steady_timer pause;
  };

  void run();
  void accept(Listener& listener);
  void on_accepted(Listener& listener, Tcp::socket socket);
  void start_connection(Tcp::socket socket, bool is_management);
  void sweep();
  void close_listeners();

  Shared& shared_;
  boost::asio::io_context context_{1};
  std::shared_ptr<Mailbox> mailbox_;
  InferDecoder decoder_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  boost::asio::steady_timer sweep_timer_;
  std::string date_;
  bool is_draining_ = false;
  std::thread thread_;
};

}  // namespace burnish::server::http
