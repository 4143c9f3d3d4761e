#pragma once
// The machine, or the GPU of it, that an engine is built for.
#include <burnish/builder.h>

#include "kernels/target.h"

namespace burnish {

/// "sm_80,cpu" at its commas. Throws kInvalidArgument when a target is named twice.
std::vector<std::string> split_targets(std::string_view text);

/// options.target: "cpu", "cuda" (the first GPU) or "cuda:N". Throws kInvalidArgument for anything else, for a GPU that
/// is not there, and for options that GPUs cannot do; kUnsupported without a driver or NVRTC.
Target build_target(const BuildOptions& options);

}  // namespace burnish
