#pragma once
// A request on its way through the scheduler.
#include <cstdint>
#include <memory>
#include <vector>

#include "base/shape.h"
#include "server/request.h"

namespace burnish::server {

struct PendingRequest {
  InferRequest request;
  ResponseCallback done;

  // What the check found out.
  std::vector<uint32_t> inputs;   ///< By the engine's input: index into request.inputs.
  std::vector<uint32_t> outputs;  ///< By request.outputs: the engine's output. Empty: all outputs.
  std::vector<Shape> shapes;      ///< By the engine's input, as executed: free lengths rounded up to their bucket.
  bool is_padded = false;         ///< Some of shapes differ from what the request says.
  bool is_batchable = false;      ///< The first dimension counts items.
  int64_t items = 1;              ///< Along the first dimension.
  uint64_t shape_key = 0;         ///< Requests with the same one can share an execution.

  // Of the response cache.
  bool missed_cache = false;
  uint64_t cache_ns = 0;

  // What the queue keeps.
  Clock::time_point enqueued;
  Clock::time_point expires = Clock::time_point::max();       ///< When its queue timeout is over.
  Clock::time_point latest_start = Clock::time_point::max();  ///< Executed later it would miss its deadline.
  bool delay_on_timeout = false;                              ///< Then served after the others, instead of refused.
};
using PendingPtr = std::unique_ptr<PendingRequest>;

/// Requests that are executed together.
struct Batch {
  std::vector<PendingPtr> requests;
  int64_t items = 0;
  uint64_t shape_key = 0;
};

}  // namespace burnish::server
