#pragma once
// From an InferResponse to the answer's JSON and tensors.
#include "server/request.h"
#include "server_http/response.h"

namespace burnish::server::http {

/// `binary_by_default`: as InferDecoder::decode() gave it. Tensors are sent from where they lie: the answer keeps their
/// owners. An error becomes {"error": …}.
Response encode_infer_response(InferResponse&& answer, bool binary_by_default);

}  // namespace burnish::server::http
