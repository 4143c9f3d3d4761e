#pragma once
// From a ModelInferRequest's bytes to an InferRequest, which keeps pointing at them.
#include <string>
#include <vector>

#include "server/inference_server.h"

namespace burnish::server {

/// A tensor that lies in, or goes to, registered shared memory.
struct SharedReference {
  size_t index = 0;  ///< Of the request's input or output.
  std::string region;
  uint64_t offset = 0, byte_size = 0;
};

struct DecodedRequest {
  InferRequest request;
  std::vector<SharedReference> shared_inputs, shared_outputs;
  bool final_response = false;  ///< Parameter triton_enable_empty_final_response.
};

/// The inputs of `out` point into `message`, or to elements taken from typed contents. Throws Error(kInvalidArgument,
/// kUnsupported) that names the field, input, output or parameter.
void decode_infer_request(const Bytes& message, DecodedRequest& out);

/// Points the request's tensors to the shared memory that they name.
Status bind_shared_memory(const InferenceServer& server, DecodedRequest& decoded);

}  // namespace burnish::server
