#pragma once
// What a server says of itself beside its metrics: KServe's configuration and statistics extensions, as JSON.
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "cost/observation.h"

namespace burnish::cost {

/// Of /v2/models/M/config: instances of all groups, and batches as dynamic batching forms them. None where the text is
/// no such configuration.
std::optional<ServingSettings> read_serving_config(std::string_view json);

/// Of /v2/models/M/versions/V/stats: mean times of executions by batch size, since the model was loaded: how long they
/// took their instances where the server tells, as Burnish's does; else inputs, execution and outputs. Empty where the
/// text holds none.
std::map<int, Observation::Time> read_batch_times(std::string_view json);

}  // namespace burnish::cost
