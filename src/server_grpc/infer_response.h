#pragma once
// From an InferResponse to a ModelInferResponse's bytes.
#include "server/request.h"
#include "server_grpc/wire.h"

namespace burnish::server {

/// Of a response that is ok. Large outputs are not copied: the message keeps their owners.
/// final_response: says in its parameters that nothing more follows, as streams may ask for.
wire::Message encode_infer_response(const InferResponse& response, bool final_response = false);

/// A ModelStreamInferResponse of it, or of its error.
wire::Message encode_stream_response(const InferResponse& response, bool final_response);

}  // namespace burnish::server
