#pragma once
// Is what a client sends what the engine takes? Messages name the tensor, what was expected and what was given.
#include <string>
#include <vector>

#include "server/model_config.h"
#include "server/pending_request.h"
#include "server/signature.h"

namespace burnish::server {

class RequestCheck {
 public:
  /// config: completed. The signature must live as long.
  RequestCheck(const ModelConfig& config, const Signature& signature);

  /// Fills what PendingRequest says of the check. kInvalidArgument when it does not fit.
  Status check(PendingRequest& pending) const;

 private:
  void check_inputs(PendingRequest& pending) const;
  void check_tensor(const InputTensor& tensor, size_t input) const;
  void check_dimensions(const InputTensor& tensor, size_t input) const;
  void check_items(PendingRequest& pending) const;
  void choose_shapes(PendingRequest& pending) const;
  void check_outputs(PendingRequest& pending) const;
  int64_t rounded_up(size_t input, int dimension, int64_t length) const;
  std::string expected(size_t input) const;
  uint64_t key_of(const std::vector<Shape>& shapes) const;

  const Signature& signature_;
  std::vector<int64_t> buckets_;
  int64_t max_batch_;  // 0: the first dimension is no batch
  bool has_free_lengths_ = false;
};

}  // namespace burnish::server
