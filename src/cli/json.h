#pragma once
// JSON as the commands print it, in the order of insertion.
#include <nlohmann/json.hpp>

namespace burnish::cli {

using Json = nlohmann::ordered_json;

/// Pretty-printed, with a newline, to stdout.
void print_json(const Json& json);

}  // namespace burnish::cli
