#pragma once
// What profiles gain at observed shapes: engines timed against each other on this machine.
#include <vector>

#include "base/log.h"
#include "builder/traffic_profiles.h"
#include "engine/engine_data.h"

namespace burnish {

struct PointTiming {
  double general_us = 0;  ///< One execution of the engine that has the general profile only.
  double us = 0;          ///< The same of the engine that is examined.
  size_t plan = 0;        ///< Which of that engine's plans serves the shapes; 0 is the general one, not timed again.
};

/// Times of the points, in their order. The engines take turns, so that what disturbs the machine disturbs both;
/// a time is the shortest of a visit to the point, of the visit with the median ratio of the two. Inputs are all ones.
/// chosen's first plan is general's only one. Reports the stage "traffic".
std::vector<PointTiming> time_points(const EngineData& general, const EngineData& chosen,
                                     const std::vector<TrafficPoint>& points, int num_threads,
                                     const Reporter& reporter);

}  // namespace burnish
