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

/// The first plan whose profile allows all shapes. Throws kInvalidArgument when there is none, or when inputs disagree
/// on a dimension that they share.
const Plan& choose_plan(const EngineData& data, const std::vector<Shape>& shapes);

}  // namespace burnish
