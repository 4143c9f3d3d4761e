#pragma once
// Engines whose intermediate values can be read.
#include <string>
#include <vector>

#include "engine/engine_data.h"

namespace burnish::cli {

/// The same steps, tactics and weights, with every intermediate value that keeps its elements to the end as an output
/// of its own (named as the value), behind the real outputs. Nothing runs in place any more. Values whose shape depends
/// on data are left out.
EngineData make_observable(EngineData engine);

/// The engine's value that holds the result of a node of the model.
struct Observation {
  std::string value;  ///< Name of the engine's (observable) output.
  std::string node;   ///< The last of the model's nodes that the step stands for.
};
std::vector<Observation> observations_of(const EngineData& observable);

}  // namespace burnish::cli
