#pragma once
// From an InferResponse to the answer's JSON and tensors.
#include "server/request.h"
#include "server_http/infer_decoder.h"
#include "server_http/response.h"

namespace burnish::server::http {

/// Tensors are sent from where they lie: the answer keeps their owners. An error becomes {"error": …}.
Response encode_infer_response(InferResponse&& answer, const AnswerForm& form);

}  // namespace burnish::server::http
