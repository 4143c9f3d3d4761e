#pragma once
// The machine, or the GPU of it, that an engine is built for.
#include <burnish/builder.h>

#include "kernels/target.h"

namespace burnish {

/// "sm_80,cpu" at its commas. Throws kInvalidArgument when a target is named twice.
std::vector<std::string> split_targets(std::string_view text);

/// The GPU that the first "cuda" or "cuda:N" among the targets means; 0 where none does. Throws as build_target().
int gpu_of(std::string_view targets);

/// Whether GPUs round operands to TF32 when they may: since Ampere.
bool has_tf32(const Target& target);
/// The same of any of several targets. Throws as build_target().
bool has_tf32(std::string_view targets);

/// options.target: "cpu", "cuda" (the first GPU) or "cuda:N". Throws kInvalidArgument for anything else, for a GPU that
/// is not there, and for options that GPUs cannot do; kUnsupported without a driver or NVRTC.
Target build_target(const BuildOptions& options);

}  // namespace burnish
