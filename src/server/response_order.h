#pragma once
// Answers in the order of their requests (preserve_ordering), whatever order they are computed in.
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "server/request.h"

namespace burnish::server {

/// Thread-safe.
class ResponseOrder : public std::enable_shared_from_this<ResponseOrder> {
 public:
  /// A callback that hands its answer to `done` after the answers of all callbacks that were made before it.
  ResponseCallback next(ResponseCallback done);

 private:
  struct Place {
    ResponseCallback done;
    std::optional<InferResponse> response;
  };
  void answer(uint64_t ticket, InferResponse&& response);

  std::mutex mutex_;
  std::deque<Place> places_;  // the first one is of first_ticket_
  uint64_t first_ticket_ = 0;
  bool is_answering_ = false;
};

}  // namespace burnish::server
