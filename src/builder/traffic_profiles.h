#pragma once
// From observed shapes to the profiles to build for.
#include <string>
#include <vector>

#include "builder/observed_shapes.h"
#include "engine/plan.h"
#include "ir/graph.h"

namespace burnish {

/// One combination of shapes that was observed.
struct TrafficPoint {
  std::vector<Shape> shapes;  ///< By input, in the graph's order.
  double executions = 0;      ///< A share of a count where dimensions are independent.
};

struct TrafficPoints {
  std::vector<TrafficPoint> points;   ///< The largest work (executions × elements of the inputs) first.
  double all_executions = 0;          ///< Those beyond the points, too.
  std::vector<std::string> inputs;    ///< Names of the model's inputs.
  std::vector<std::string> observed;  ///< Names of the dimensions that the points differ in.
};

/// As many points are looked at: the executions of others count in all_executions only.
inline constexpr size_t kMostTrafficPoints = 32;

/// What was observed, as shapes of the model's inputs. Dimensions that nothing was observed of are at the profile's
/// opt. Throws kInvalidArgument naming the file for dimensions that the model does not leave free, and for extents that
/// the profile does not allow, with the --profile to type.
TrafficPoints traffic_points(const Graph& graph, const OptimizationProfile& general, const ObservedShapes& observed);

/// Candidates to be built beside the general profile and timed. Which shapes to tune for is a choice of at most `most`
/// medoids: weights (time spent, by point) times log_distance() to the nearest opt, the general profile's included, are
/// minimised over all points (Kaufman and Rousseeuw's PAM). Each gives a profile of that point alone and, where other
/// points are nearest to it, one that ranges over these, too. Dimensions that were not observed are as in the general
/// profile. Deterministic.
std::vector<OptimizationProfile> candidate_profiles(const Graph& graph, const OptimizationProfile& general,
                                                    const TrafficPoints& traffic, const std::vector<double>& weights,
                                                    size_t most);

}  // namespace burnish
