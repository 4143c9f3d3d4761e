#pragma once
// The profiles of an engine that is built for observed traffic, and what they were measured to gain.
#include <functional>
#include <string>
#include <vector>

#include "builder/model_compiler.h"
#include "builder/traffic_profiles.h"

namespace burnish {

/// The points of the file that BuildOptions::traffic names. Throws kIo, and kInvalidArgument for a file that does not
/// fit the model or its one profile, for several profiles, and for a target that is not at hand.
TrafficPoints read_traffic(const ModelCompiler& compiler, const std::vector<OptimizationProfile>& profiles);

struct TrafficChoice {
  std::vector<OptimizationProfile> profiles;  ///< The general one first.
  std::string summary, json;                  ///< What BuildReport says of it.
};

/// An engine of these profiles, with what the compiler's tuner knows already.
using CompileProfiles = std::function<EngineData(const std::vector<OptimizationProfile>&)>;

/// Builds the general profile, times it at the points, chooses profiles, builds and times these, and leaves out those
/// that do not pay. The timings decide, so that equal inputs need not give equal engines.
TrafficChoice choose_for_traffic(const ModelCompiler& compiler, const OptimizationProfile& general,
                                 const TrafficPoints& traffic, const CompileProfiles& compile);

}  // namespace burnish
