#pragma once
// Shapes at one point of an optimisation profile: of inputs, and of a graph's values before there is a plan.
#include <map>
#include <optional>
#include <string>

#include "engine/plan.h"
#include "ir/graph.h"

namespace burnish {

/// Where every input has its smallest, typical or largest shape.
enum class ProfilePoint { kMin, kOpt, kMax };
const Shape& shape_at(const ProfileShapes& shapes, ProfilePoint point);

/// The shapes of the values of a graph whose types are inferred. The graph outlives this.
class GraphShapes {
 public:
  GraphShapes(const Graph& graph, const OptimizationProfile& profile, ProfilePoint point);
  /// nullopt when the shape depends on data, or on an input that the profile does not name.
  std::optional<Shape> shape_of(ValueId value) const;

 private:
  const Graph& graph_;
  std::map<std::string, int64_t, std::less<>> symbols_;
};

}  // namespace burnish
