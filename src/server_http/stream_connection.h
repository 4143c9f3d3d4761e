#pragma once
// Connections over TCP, with TLS and without.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "server_http/connection.h"

namespace burnish::server::http {

/// Stream: Tcp::socket, or an ssl::stream around one.
template <typename Stream>
class StreamConnection : public Connection {
 public:
  static constexpr bool kIsTls = requires(Stream & s) { s.handshake(boost::asio::ssl::stream_base::server); };

  StreamConnection(IoThread& thread, bool is_management, std::string peer, Stream stream)
      : Connection(thread, is_management, std::move(peer)), stream_(std::move(stream)) {}

  void start() override {
    register_self();
    if constexpr (kIsTls) {
      stream_.async_handshake(boost::asio::ssl::stream_base::server,
                              [this, self = shared_from_this()](const ErrorCode& error) { error ? abort() : begin(); });
    } else {
      begin();
    }
  }

 private:
  void start_read(std::span<std::byte> into) override {
    stream_.async_read_some(
        boost::asio::buffer(into.data(), into.size()),
        [this, self = shared_from_this()](const ErrorCode& error, size_t num_bytes) { on_read(error, num_bytes); });
  }

  void start_write(const std::vector<boost::asio::const_buffer>& buffers) override {
    const auto done = [this, self = shared_from_this()](const ErrorCode& error, size_t) { on_written(error); };
    if (buffers.size() == 1) {
      boost::asio::async_write(stream_, buffers.front(), done);
    } else {
      boost::asio::async_write(stream_, std::span(buffers), done);
    }
  }

  bool start_shutdown(bool everything_was_read) override {
    ErrorCode ignored;
    if constexpr (kIsTls) {
      if (everything_was_read) {
        stream_.async_shutdown([this, self = shared_from_this()](const ErrorCode&) { on_shut_down(); });
        return true;
      }
    }
    stream_.lowest_layer().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
    return false;
  }

  void close_stream() override {
    ErrorCode ignored;
    stream_.lowest_layer().close(ignored);
  }

  Stream stream_;
};

}  // namespace burnish::server::http
