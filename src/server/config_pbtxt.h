#pragma once
// Protobuf's text format, as config.pbtxt is written in it, to the JSON that config_json.h reads. No schema is needed:
// which fields are lists shows by their number, which are maps by name.
#include <string>
#include <string_view>

namespace burnish::server {

/// Throws kInvalidArgument naming line and column.
std::string pbtxt_to_json(std::string_view text);

}  // namespace burnish::server
