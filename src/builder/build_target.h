#pragma once
// The machine, or the GPU of it, that an engine is built for.
#include <burnish/builder.h>

#include "kernels/target.h"

namespace burnish {

/// options.target: "cpu", "cuda" (the first GPU) or "cuda:N". Throws kInvalidArgument for anything else, for a GPU that
/// is not there, and for options that GPUs cannot do; kUnsupported without a driver or NVRTC.
Target build_target(const BuildOptions& options);

}  // namespace burnish
