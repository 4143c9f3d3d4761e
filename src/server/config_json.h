#pragma once
// Triton's ModelConfig as JSON: config.json, the configuration of a load request, and what GET …/config answers.
#include <string>
#include <string_view>
#include <vector>

#include "server/model_config.h"

namespace burnish::server {

/// Field names as in Triton's model_config.proto, in snake case or lower camel case. Where a list is meant, a single
/// value stands for a list of one; a map may also be a list of {key, value}, as text format has it.
/// notes: gains a line for every field that Triton knows and that changes nothing here. Throws kInvalidArgument naming
/// the field, and kUnsupported for what would change results but is not there.
ModelConfig parse_config_json(std::string_view text, std::vector<std::string>* notes = nullptr);

/// In snake case; numbers as numbers, enums by name.
std::string to_json(const ModelConfig& config);

}  // namespace burnish::server
