#pragma once
// Engines as they were built, not yet written.
#include "builder/build_engine.h"

namespace burnish::python {

struct PyBuiltEngine {
  std::vector<EngineData> engines;  ///< One for each target, in the order asked for.
  BuildReport report;
  int gpu = 0;  ///< The GPU of this machine that one is for.
};

/// The first of the engines that this machine can execute, those for GPUs before that for the CPU. Without one, the
/// first of all, to be looked at and written only.
Engine engine_for_here(const PyBuiltEngine& built);

}  // namespace burnish::python
