#pragma once
// From a connection's bytes to requests. Knows no sockets: whoever reads puts bytes where prepare() says.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "server/request.h"
#include "server_http/body.h"
#include "server_http/header_values.h"

namespace burnish::server::http {

enum class Method { kGet, kHead, kPost, kOther };

/// What is kept of a request's line and header fields.
struct RequestHead {
  Method method = Method::kOther;
  std::string method_name, target;
  std::string authorization, host, origin;
  Coding coding = Coding::kIdentity;           ///< Of the body.
  Coding accepted_coding = Coding::kIdentity;  ///< That the client asks for.
  std::optional<uint64_t> json_length;         ///< Inference-Header-Content-Length.
  std::optional<uint64_t> content_length;      ///< None: chunked, or no body.
  bool chunked = false, keep_alive = false, http_1_0 = false, expects_continue = false;
};

struct ReaderLimits {
  size_t max_header_bytes = 0, max_body_bytes = 0;
};

class RequestReader {
 public:
  enum class Progress {
    kMore,      ///< Read more into prepare().
    kHead,      ///< head() is there; accept_body() goes on.
    kComplete,  ///< body() is there; next() goes on.
    kBad        ///< error() says why; no request can follow.
  };

  RequestReader(ReaderLimits limits, std::shared_ptr<MemoryBudget> budget);
  ~RequestReader();

  /// Where the next bytes go; never empty while kMore is the state.
  std::span<std::byte> prepare();
  /// So many bytes have been put there.
  Progress commit(size_t num_bytes);
  /// After kHead. Returns kMore, kComplete or kBad.
  Progress accept_body();
  /// After kComplete: forgets the request; goes on with bytes that came behind it.
  Progress next();
  /// Room to read ahead while a complete request is answered; empty when bytes of the next have come already. Bytes
  /// that come after next() are for commit().
  std::span<std::byte> prepare_ahead();
  void commit_ahead(size_t num_bytes) { end_ += num_bytes; }

  const RequestHead& head() const { return head_; }
  /// Null when the request has none. Moves it out.
  std::shared_ptr<Body> take_body() { return std::move(body_); }
  const Status& error() const { return error_; }
  /// HTTP status of error().
  int error_status() const { return error_status_; }
  /// True while no byte of a request has come.
  bool is_idle() const { return stage_ == Stage::kHead && begin_ == end_; }
  bool is_complete() const { return stage_ == Stage::kComplete; }
  /// Bytes have come behind what was used.
  bool has_more() const { return begin_ != end_; }
  /// Bytes of this request so far, and when its first came.
  size_t request_bytes() const { return request_bytes_; }
  Clock::time_point started() const { return started_; }

 private:
  class HeadParser;
  enum class Stage { kHead, kSized, kChunked, kComplete, kBad };

  Progress read_head();
  bool has_whole_head() const;
  Progress read_sized();
  Progress read_chunks();
  Progress start_body(size_t capacity);
  Progress fail(int status, StatusCode code, std::string message);
  Progress complete();
  void make_room();
  bool append(const char* data, size_t size);

  ReaderLimits limits_;
  std::shared_ptr<MemoryBudget> budget_;
  std::unique_ptr<HeadParser> parser_;
  std::vector<std::byte> buffer_;
  size_t begin_ = 0, end_ = 0;  // of what was read and not used yet
  Stage stage_ = Stage::kHead;
  RequestHead head_;
  std::shared_ptr<Body> body_;
  Status error_;
  int error_status_ = 0;
  size_t request_bytes_ = 0;
  Clock::time_point started_;
};

}  // namespace burnish::server::http
