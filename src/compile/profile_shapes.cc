#include "compile/profile_shapes.h"

namespace burnish {

const Shape& shape_at(const ProfileShapes& shapes, ProfilePoint point) {
  switch (point) {
    case ProfilePoint::kMin:
      return shapes.min;
    case ProfilePoint::kMax:
      return shapes.max;
    default:
      return shapes.opt;
  }
}

GraphShapes::GraphShapes(const Graph& graph, const OptimizationProfile& profile, ProfilePoint point) : graph_(graph) {
  for (const ValueId id : graph.inputs()) {
    const Value& input = graph.value(id);
    const auto it = profile.inputs.find(input.name);
    if (it == profile.inputs.end() || !input.type.shape) continue;
    const Shape& shape = shape_at(it->second, point);
    for (int i = 0; i < shape.rank() && static_cast<size_t>(i) < input.type.shape->size(); ++i) {
      const Dim& dim = (*input.type.shape)[static_cast<size_t>(i)];
      if (!dim.is_constant()) symbols_.emplace(to_string(dim), shape[i]);
    }
  }
}

std::optional<Shape> GraphShapes::shape_of(ValueId value) const {
  const auto& declared = graph_.value(value).type.shape;
  if (!declared) return std::nullopt;
  Shape shape;
  for (const Dim& dim : *declared) {
    const auto extent = dim.evaluate(symbols_);
    if (!extent || *extent < 0) return std::nullopt;
    shape.push_back(*extent);
  }
  return shape;
}

}  // namespace burnish
