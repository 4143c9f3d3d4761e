#pragma once
// Which of an engine's profiles serves the shapes that a caller sets.
#include <optional>
#include <string>
#include <vector>

#include "engine/engine_data.h"

namespace burnish {

/// min / opt / max of input i; all the same for inputs of a fixed shape.
ProfileShapes range_of(const Plan& plan, size_t input);

/// The input's shape when all profiles allow only one.
std::optional<Shape> only_shape(const EngineData& data, const std::string& input);

/// Throws kInvalidArgument unless some profile allows this shape for input i: names the dimension, the allowed range,
/// and the option to rebuild with.
void check_shape(const EngineData& data, size_t input, const Shape& shape);

/// How far one shape is from another of the same rank: the sum of |log2(a / b)| over the dimensions. Twice and half as
/// many are both 1 away.
double log_distance(const Shape& a, const Shape& b);

/// Of the plans whose profiles allow all shapes, the one that is tuned for the nearest shapes: the least sum of
/// log_distance() to opt over all inputs; of equally near ones the one with the narrower range, then the first. Throws
/// kInvalidArgument when there is none, or when inputs disagree on a dimension that they share.
const Plan& choose_plan(const EngineData& data, const std::vector<Shape>& shapes);

}  // namespace burnish
