#pragma once
// What tests of the scheduler share: small engines, a gate that holds executions up, and requests.
#include <burnish/engine.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "engine/engine_data.h"
#include "server/model_version.h"

namespace burnish::server::testing {

/// Holds up every execution of gated_engine() while it is closed. One for the whole program.
class Gate {
 public:
  static Gate& get();
  void close();
  void open();
  /// Lets the execution that waits, or the next one, through.
  void let_one_through();
  /// Waits until an execution is held up.
  void wait_for_arrival();
  /// The first dimensions of all executions since the gate was closed.
  std::vector<int64_t> batches() const;
  /// The first element of each item executed since then.
  std::vector<float> order() const;
  /// Called by the kernel.
  void pass(const float* data, int64_t items, int64_t item_elements);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_closed_ = false;
  int permits_ = 0, waiting_ = 0;
  std::vector<int64_t> batches_;
  std::vector<float> order_;
};
/// Closed for the test's duration.
class ClosedGate {
 public:
  ClosedGate() { Gate::get().close(); }
  ~ClosedGate() { Gate::get().open(); }
};

/// x [batch,4] → y = max(x, 0), batch 1 to 8, through the gate.
Engine gated_engine();
/// x [batch,16] → y = 2·x + x, and sum [batch,1] of y, batch 1 to max_batch.
Engine affine_engine(int64_t max_batch = 8, int64_t min_batch = 1);
/// x [batch,length], mask [batch,length] → y = x·mask [batch,length], total = its sums [batch,1]; length up to 64.
Engine masked_engine();
/// Convolution, pooling, product and softmax (runtime/test_engines.h): x [n,2,6,6] → probabilities, picked; n up to 4.
Engine conv_engine();
/// x [batch,1], memory [batch,1], start [batch,1] → y = x + memory·(1 − start)… see the .cc; y and next_memory.
Engine running_sum_engine();
/// words INT64 [batch] → y [batch,2], rows of a table of three: others are an error of the execution.
Engine lookup_engine();
/// x [batch,4] BOOL → y BOOL [batch,4] = not x
Engine bool_engine();
/// x [n] → where it is not zero: an output that depends on data.
Engine nonzero_engine();

/// One instance of one thread, bound to a core, so that executions happen on its own thread.
ModelConfig bound_config(const std::string& name = "m");

InputTensor float_tensor(const std::string& name, std::vector<int64_t> shape, const std::vector<float>& values);
InputTensor int64_tensor(const std::string& name, std::vector<int64_t> shape, const std::vector<int64_t>& values);
InferRequest request_of(std::vector<InputTensor> inputs);
/// x [items,4] of one number, for gated_engine().
InferRequest gated_request(float value, int64_t items = 1);

/// Submits; the answer.
std::future<InferResponse> submit(ModelVersion& model, InferRequest request);
InferResponse infer(ModelVersion& model, InferRequest request);

std::vector<float> floats_of(const InferResponse& response, const std::string& output);
/// The request's outputs by a context of its own.
std::map<std::string, std::vector<float>> executed_alone(const Engine& engine, const InferRequest& request);

/// Reproducible, none of them equal.
std::vector<float> numbers(size_t count, uint64_t seed);

}  // namespace burnish::server::testing
