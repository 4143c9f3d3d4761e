#pragma once
// Sequences: requests that belong together, with states that the server keeps between them.
//
// A sequence has at most one request in execution, the others wait behind it. Control and state inputs are added to
// each request as if the client had sent them, so that requests of different sequences batch like any others.
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/model_config.h"
#include "server/request.h"
#include "server/signature.h"

namespace burnish::server {

struct SequenceLimits {
  uint32_t max_sequences = 0;  ///< Open at once.
  uint32_t max_waiting = 0;    ///< Requests of one sequence.
};

/// Throws kInvalidArgument when the configuration names tensors that the engine does not have, or not so.
void check_sequences(const SequenceBatching& config, const Signature& signature);

/// Thread-safe.
class SequenceBatcher : public std::enable_shared_from_this<SequenceBatcher> {
 public:
  using Execute = std::function<void(InferRequest&&, ResponseCallback&&)>;
  /// The signature must live as long. has_batch: the first dimension counts items. execute: what requests are handed
  /// to once it is their turn; answers each exactly once.
  SequenceBatcher(const SequenceBatching& config, const Signature& signature, bool has_batch, SequenceLimits limits,
                  Execute execute);

  /// Takes request and callback only when it returns kOk.
  Status submit(InferRequest& request, ResponseCallback& done);
  /// Takes no more requests and waits until all are answered. At the deadline those whose turn has not come are handed
  /// to `refuse`. True when there were none. Execute is not called any more afterwards.
  bool drain(Clock::time_point deadline, const Execute& refuse);

  size_t num_open() const;
  /// Tensors that clients do not see.
  bool is_hidden_input(const std::string& name) const;
  bool is_hidden_output(const std::string& name) const;

 private:
  struct Waiting {
    InferRequest request;
    ResponseCallback done;
  };
  struct Sequence {
    std::string id;
    std::deque<Waiting> waiting;
    std::vector<InputTensor> states;  // by config_.states
    bool is_executing = false;
    bool is_ended = false;  // its last request has come
    Clock::time_point last_used;
  };
  using SequencePtr = std::shared_ptr<Sequence>;

  Status check(const InferRequest& request) const;
  Status find_or_open(const InferRequest& request, SequencePtr& sequence);
  void close_idle(Clock::time_point now);
  void execute_all(const SequencePtr& sequence);
  bool take_next(Sequence& sequence, Waiting& next);
  void add_inputs(const Sequence& sequence, InferRequest& request) const;
  void add_state_outputs(InferRequest& request) const;
  void finish(Sequence& sequence, const std::vector<std::string>& shown, InferResponse& response);
  void answer(const ResponseCallback& done, InferResponse&& response);
  void keep_states(Sequence& sequence, const InferResponse& response) const;
  InputTensor control_tensor(const SequenceBatching::Control& control, const SequenceInfo& info) const;
  std::vector<InputTensor> initial_states() const;

  const SequenceBatching config_;
  const Signature& signature_;
  const bool has_batch_;
  const SequenceLimits limits_;
  const Execute execute_;

  mutable std::mutex mutex_;
  std::condition_variable answered_;
  std::map<std::string, SequencePtr> sequences_;
  size_t num_pending_ = 0;  // requests
  Clock::time_point next_look_{};
  bool is_draining_ = false;
};

}  // namespace burnish::server
