#pragma once
// Trace and log settings as Triton's clients send and expect them. Include in sources only (simdjson).
#include <simdjson.h>

#include <string>

#include "server/inference_server.h"

namespace burnish::server::http {

/// Values may be strings, numbers, true, false, arrays of these, or null, which becomes no values: back to the default.
/// Throws Error that names the setting.
Settings read_settings(simdjson::dom::element json);

/// trace_level is an array, all other settings one value. `typed`: true, false and numbers are no strings then.
std::string settings_json(const Settings& settings, bool typed);

}  // namespace burnish::server::http
