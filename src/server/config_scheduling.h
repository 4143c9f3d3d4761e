#pragma once
// The parts of a configuration that say how requests are scheduled. Only config_json.cc includes this.
#include "server/config_fields.h"
#include "server/model_config.h"

namespace burnish::server {

/// path: of the object, for errors.
DynamicBatching parse_dynamic_batching(const Json& json, const std::string& path, Notes notes);
SequenceBatching parse_sequence_batching(const Json& json, const std::string& path, Notes notes);
std::vector<EnsembleStep> parse_ensemble(const Json& json, const std::string& path, Notes notes);

}  // namespace burnish::server
