#pragma once
// From the body of an inference request to an InferRequest.
#include <memory>
#include <optional>
#include <string>

#include "server/inference_server.h"
#include "server_http/body.h"

namespace burnish::server::http {

/// Keeps its JSON parser's memory from request to request: one per thread.
class InferDecoder {
 public:
  InferDecoder(const InferenceServer& server, std::shared_ptr<MemoryBudget> budget, size_t max_json_bytes);
  ~InferDecoder();

  /// `request`'s model and version are set already. `json_length`: of Inference-Header-Content-Length; none: all of the
  /// body is JSON; 0: the body is the one input's bytes. Inputs point into `body` where they can. `binary_by_default`:
  /// the form of outputs that the request does not name. Never throws; the message names the field.
  Status decode(const std::shared_ptr<Body>& body, std::optional<uint64_t> json_length, InferRequest& request,
                bool& binary_by_default);

 private:
  class Request;
  struct Parser;
  Status decode_raw(const std::shared_ptr<Body>& body, InferRequest& request, bool& binary_by_default);

  const InferenceServer& server_;
  std::shared_ptr<MemoryBudget> budget_;
  size_t max_json_bytes_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace burnish::server::http
