#pragma once
// Tactics and placements over the whole graph.
//
// Taking the fastest candidate of every step is not the fastest plan: a candidate that cannot write into a concat's
// result costs a copy, one that cannot read a slice forbids it for all. So every placeable concat input (an edge) has
// two states, dense or slice; the cost of a state of all edges is the sum of every step's fastest candidate that
// accepts it plus the copies that remain. Edges that share no step are independent: components of up to
// kMaxExhaustiveEdges are searched completely, larger ones by flipping single edges until nothing gets better.
#include <vector>

#include "compile/concat_placement.h"

namespace burnish {

inline constexpr size_t kMaxExhaustiveEdges = 10;

struct Choice {
  std::vector<Candidate> candidates;  ///< By step; tactic nullptr unless a kernel step.
  std::vector<bool> placed;           ///< By edge.
};

Choice choose(const std::vector<StepOptions>& options, const std::vector<PlacementEdge>& edges);

}  // namespace burnish
