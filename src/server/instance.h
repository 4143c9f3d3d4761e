#pragma once
// One execution context with the memory that batches form in. Not thread-safe: one execution at a time.
#include <burnish/engine.h>

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "server/pending_request.h"
#include "server/signature.h"

namespace burnish::server {

/// What the instances of a version share.
struct ModelContext {
  std::map<int, Engine> engines;  ///< By GPU; 0 on the CPU.
  Signature signature;
  std::string name, version;
  std::vector<std::vector<std::string>> labels;  ///< By output; empty: none.
};

class Instance {
 public:
  /// The model must live as long. The context's threads inherit the cores of the calling thread. device: a key of
  /// ModelContext::engines.
  Instance(const ModelContext& model, int device, int threads);

  /// responses[i] answers batch.requests[i], with timing. Never throws: what the engine throws becomes the status of
  /// the request that is to blame.
  void execute(const Batch& batch, std::vector<InferResponse>& responses, InferTiming& timing);

  int num_threads() const { return context_.num_threads(); }

 private:
  // Memory of one input that grows to the largest batch so far.
  struct InputBuffer {
    std::shared_ptr<void> memory;
    size_t capacity = 0;
    std::byte* reserve(size_t bytes);
  };
  /// Where an output of the whole batch lies.
  struct OutputPlace {
    bool is_needed = false;
    Bytes data;
    std::vector<int64_t> shape;
  };

  void execute_together(std::span<const PendingPtr> requests, std::vector<InferResponse>& responses,
                        InferTiming& timing);
  void set_shapes(std::span<const PendingPtr> requests);
  void gather(std::span<const PendingPtr> requests, size_t input);
  bool bind_directly(const PendingRequest& request, size_t input);
  void copy_item(const PendingRequest& request, size_t input, std::byte* to) const;
  void find_needed_outputs(std::span<const PendingPtr> requests);
  void place_outputs(std::span<const PendingPtr> requests);
  bool place_directly(const PendingRequest& request, size_t output);
  void collect_outputs();
  void answer(const PendingRequest& request, int64_t first_item, InferResponse& response);
  OutputTensor slice(const PendingRequest& request, size_t output, int64_t first_item) const;
  void crop(const PendingRequest& request, size_t output, OutputTensor& tensor) const;
  void add_output(const PendingRequest& request, size_t output, const RequestedOutput* wanted, int64_t first_item,
                  InferResponse& response) const;
  void classify_items(const PendingRequest& request, size_t output, uint32_t count, OutputTensor& tensor) const;

  const ModelContext& model_;
  ExecutionContext context_;
  const int gpu_;  ///< Negative: the CPU.
  std::vector<InputBuffer> buffers_;
  std::vector<OutputPlace> places_;
  int64_t executed_items_ = 0;
};

/// What an exception of the engine means to a client.
Status status_of(const std::exception& error);

}  // namespace burnish::server
