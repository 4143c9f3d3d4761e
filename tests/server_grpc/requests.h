#pragma once
// Requests that tests send.
#include <string>
#include <vector>

#include "grpc_service.pb.h"

namespace burnish::server::testing {

inline std::string raw(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

/// One FP32 input INPUT0 of shape [1, n] in raw_input_contents.
inline inference::ModelInferRequest infer_request(const std::string& model, const std::vector<float>& values,
                                                  const std::string& id = "") {
  inference::ModelInferRequest request;
  request.set_model_name(model);
  request.set_id(id);
  auto& input = *request.add_inputs();
  input.set_name("INPUT0");
  input.set_datatype("FP32");
  input.add_shape(1);
  input.add_shape(static_cast<int64_t>(values.size()));
  request.add_raw_input_contents(raw(values));
  return request;
}

}  // namespace burnish::server::testing
