#pragma once
// One inference as the protocols hand it over, and its answer. Protocols know nothing of engines; schedulers nothing of
// protocols.
#include <burnish/engine.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace burnish::server {

using Clock = std::chrono::steady_clock;

/// What went wrong, in words that every protocol can translate.
enum class StatusCode {
  kOk,
  kInvalidArgument,    ///< HTTP 400
  kUnauthenticated,    ///< HTTP 401
  kNotFound,           ///< HTTP 404: no such model, version, region, …
  kTooLarge,           ///< HTTP 413
  kResourceExhausted,  ///< HTTP 429: the queue is full
  kCancelled,          ///< HTTP 499: the client has gone
  kUnsupported,        ///< HTTP 501, names the option
  kUnavailable,        ///< HTTP 503: loading, draining
  kDeadlineExceeded,   ///< HTTP 504: was not, or could not be, answered in time
  kInternal            ///< HTTP 500
};

struct Status {
  StatusCode code = StatusCode::kOk;
  std::string message;  ///< Names the culprit, the reason, the next step.
  bool ok() const { return code == StatusCode::kOk; }
};

/// Memory with an owner (a request's body, a shared memory region, an instance's buffer).
struct Bytes {
  const std::byte* data = nullptr;
  size_t size = 0;
  std::shared_ptr<const void> owner;
  /// Another process can write to it at any time (a shared memory region): is copied before anything is read from it.
  bool is_shared = false;
  int gpu = -1;  ///< Whose memory it is; negative: the host's.
};

/// Memory that a client shares.
struct SharedBytes {
  std::byte* data = nullptr;
  std::shared_ptr<void> owner;  ///< Keeps it open.
  int gpu = -1;                 ///< Whose memory it is; negative: the host's.
};

/// Dense, row-major, little-endian; size is shape times element size (checked by the scheduler).
struct InputTensor {
  std::string name;
  DataType dtype = DataType::kFloat32;
  std::vector<int64_t> shape;
  Bytes data;
};

/// An output that the client asked for; a request that names none gets all.
struct RequestedOutput {
  std::string name;
  uint32_t num_classes = 0;  ///< Classification: the best so many as strings; 0: the tensor itself.
  bool binary = false;       ///< HTTP: after the JSON instead of in it.
  SharedBytes target = {};   ///< To write to; null: the answer carries the bytes.
  size_t capacity = 0;       ///< Bytes of target.
};

struct SequenceInfo {
  std::string id;  ///< Empty: no sequence. Numbers in decimal.
  bool start = false, end = false;
};

struct InferRequest {
  std::string model;
  std::string version;  ///< Empty: the version policy's newest ready one.
  std::string id;       ///< The client's, echoed.
  std::vector<InputTensor> inputs;
  std::vector<RequestedOutput> outputs;
  uint64_t priority = 0;    ///< 0: the model's default; 1 is served first.
  uint64_t timeout_us = 0;  ///< 0: the model's default.
  SequenceInfo sequence;
  Clock::time_point received = Clock::now();              ///< When its first byte was read.
  Clock::time_point deadline = Clock::time_point::max();  ///< The transport's own (gRPC).
  std::shared_ptr<const std::atomic<bool>> cancelled;     ///< True once nobody waits any more; null: never.
  uint64_t trace_id = 0;                                  ///< 0: not traced.
};

struct OutputTensor {
  std::string name;
  DataType dtype = DataType::kFloat32;
  std::vector<int64_t> shape;
  Bytes data;                        ///< Empty where it was written to the request's target, or for classes.
  std::vector<std::string> classes;  ///< Classification ("score:index[:label]"); dtype is BYTES then.
  size_t shared_bytes = 0;           ///< Bytes written to the request's target; 0: not shared.
  bool binary = false;
};

/// Where the time of a request went, in nanoseconds.
struct InferTiming {
  uint64_t queue_ns = 0, input_ns = 0, infer_ns = 0, output_ns = 0;
  uint32_t batch_size = 1;  ///< Items executed together.
  bool from_cache = false;
};

struct InferResponse {
  Status status;
  std::string model, version, id;
  std::vector<OutputTensor> outputs;
  InferTiming timing;
};

/// Called exactly once, from any thread, perhaps before infer() returns. Must not block.
using ResponseCallback = std::function<void(InferResponse&&)>;

}  // namespace burnish::server
