#pragma once
// Models and engines in words: the data behind `burnish inspect`.
#include <nlohmann/json_fwd.hpp>

#include "engine/engine_data.h"
#include "ir/graph.h"

namespace burnish::cli {

nlohmann::ordered_json describe_model(const Graph& graph);
void print_model(const Graph& graph);
/// A picture for Graphviz.
std::string dot_of(const Graph& graph);

nlohmann::ordered_json describe_engine(const EngineData& engine);
void print_engine(const EngineData& engine);
/// The steps of the first plan.
std::string dot_of(const EngineData& engine);

}  // namespace burnish::cli
