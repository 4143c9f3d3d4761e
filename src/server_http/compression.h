#pragma once
// gzip and deflate (zlib's form) of whole bodies.
#include <memory>

#include "server_http/body.h"
#include "server_http/response.h"

namespace burnish::server::http {

/// Replaces the body with what it holds, laid out so that its byte `aligned_at` is aligned. Fails when it is damaged,
/// or longer than max_bytes (kTooLarge).
Status inflate_body(std::shared_ptr<Body>& body, const std::shared_ptr<MemoryBudget>& budget, size_t max_bytes,
                    size_t aligned_at);

/// Compresses the response's body where that can pay; sets its coding then.
void deflate_response(Response& response, Coding coding);

}  // namespace burnish::server::http
