#pragma once
// Optimisation profiles: what the user says, checked against the model, or a default.
#include <burnish/builder.h>

#include "base/log.h"
#include "engine/plan.h"
#include "ir/graph.h"

namespace burnish {

/// "1x3x224x224", or "scalar". `whole` is what an error quotes. Throws kInvalidArgument.
std::vector<int64_t> parse_shape_text(std::string_view text, std::string_view whole);

/// One profile for every input of the model: the given ranges, and for inputs left out what their shape or the symbols
/// they share with given ones say. Throws kInvalidArgument for unknown names, wrong ranks, fixed dimensions that
/// differ, min ≤ opt ≤ max broken, one symbol with two ranges, and free dimensions that nothing is said of.
OptimizationProfile resolve_profile(const Graph& graph, const Profile& wanted);

/// For a model with free dimensions and no profile: batch-like ones 1:1:32, sequence-like ones 1:128:512. Throws
/// kInvalidArgument naming the dimensions that are neither, with the option to type.
Profile default_profile(const Graph& graph);

/// The names of the inputs' free dimensions, and of those among them that count items (which default_profile() makes
/// 1:1:32); sorted.
std::vector<std::string> free_dimensions(const Graph& graph);
std::vector<std::string> batch_dimensions(const Graph& graph);

/// All profiles of a build; logs a default.
std::vector<OptimizationProfile> resolve_profiles(const Graph& graph, const std::vector<Profile>& wanted,
                                                  const Reporter& reporter);

/// "input=1x3x224x224:8x3x224x224:32x3x224x224", as parse_profile reads it.
std::string to_string(const OptimizationProfile& profile);

/// Gives dimensions that the profile fixes (min == max) their numbers and infers all types again, so that the passes
/// can fold what depends on them.
void specialize(Graph& graph, const OptimizationProfile& profile);

}  // namespace burnish
