#pragma once
// An engine as it was built, not yet written.
#include "builder/build_engine.h"

namespace burnish::python {

struct PyBuiltEngine {
  EngineData data;
  BuildReport report;
};

}  // namespace burnish::python
