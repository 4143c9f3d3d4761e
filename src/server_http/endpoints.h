#pragma once
// Every endpoint but inference: a question to the InferenceServer, an answer in JSON.
#include "server/inference_server.h"
#include "server_http/response.h"
#include "server_http/router.h"

namespace burnish::server::http {

/// True for what may take seconds (loading, unloading): must not be answered on a thread that others wait for.
bool may_take_long(Endpoint endpoint);

/// `body` may be null. Never throws.
Response answer(InferenceServer& server, const Route& route, Method method, const Body* body);

}  // namespace burnish::server::http
