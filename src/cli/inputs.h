#pragma once
// Inputs for `run`, `bench` and `compare`: from .npy files, or seeded random data.
#include <map>
#include <string>
#include <vector>

#include "cli/command.h"
#include "engine/engine_data.h"

namespace burnish::cli {

/// What the user typed.
struct InputRequest {
  std::vector<std::string> files;   ///< "NAME=FILE.npy"
  std::vector<std::string> shapes;  ///< "NAME=1x3x224x224"
  uint64_t seed = 0;
};
void add_file_option(OptionSet& command, InputRequest& request);
void add_shape_options(OptionSet& command, InputRequest& request);

/// Every input of the engine. Shapes come from the files, from --shape, from dimensions shared with those, else from
/// the first profile's opt. Random floats lie in [-1, 1), integers are 0 or 1, and inputs called "…mask…" are all
/// ones. Throws kInvalidArgument for unknown names (listing the known ones), wrong dtypes, ranks and fixed dimensions.
std::map<std::string, Tensor> make_inputs(const EngineData& engine, const InputRequest& request);

}  // namespace burnish::cli
