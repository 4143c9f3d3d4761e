#pragma once
// How answers from other threads reach the connection that waits for them.
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "server/request.h"
#include "server_http/response.h"

namespace burnish::server::http {

class Connection;

/// Thread-safe. Outlives its io_context: answers that come later are dropped.
class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  explicit Mailbox(boost::asio::io_context& context) : context_(&context) {}

  void deliver(std::weak_ptr<Connection> to, InferResponse&& answer) {
    put({std::move(to), std::move(answer), {}, false});
  }
  void deliver(std::weak_ptr<Connection> to, Response&& answer) { put({std::move(to), {}, std::move(answer), true}); }
  /// The calling thread is the one that runs the io_context.
  void set_current() { owner_ = std::this_thread::get_id(); }
  bool is_current() const { return owner_ == std::this_thread::get_id(); }
  /// Before the io_context goes.
  void close();

 private:
  struct Letter {
    std::weak_ptr<Connection> to;
    InferResponse inference;
    Response response;
    bool is_response = false;
  };
  void put(Letter&& letter);
  void empty();

  std::atomic<std::thread::id> owner_;
  std::mutex mutex_;
  boost::asio::io_context* context_;
  std::vector<Letter> letters_, emptied_;
  bool is_posted_ = false;
};

}  // namespace burnish::server::http
