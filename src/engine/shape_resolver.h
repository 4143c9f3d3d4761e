#pragma once
// Concrete shapes of all of a plan's values once the input shapes are known. Used by the compiler to pose problems to
// tactics and by contexts to lay out memory, so that both see the same.
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/engine_data.h"

namespace burnish {

struct ResolvedShapes {
  /// By PlanValueId; nullopt: known only when the step that makes it has run.
  std::vector<std::optional<Shape>> shapes;
  /// By PlanValueId: elements of stored constants and of what shape steps made; else undefined.
  std::vector<Tensor> tensors;
  /// The first step with an output whose shape depends on data (or that itself cannot be evaluated yet); the number of
  /// steps if there is none.
  size_t first_late_step = 0;
};

/// The stored constants of a plan by PlanValueId, without copying; undefined for all other values.
std::vector<Tensor> constants_of(const Plan& plan, const std::vector<Blob>& blobs);

/// Infers every step in order and evaluates the kShape steps by the reference. constants: by PlanValueId, undefined
/// where there are none or where their elements are packed away. Inputs that input_shapes does not name must have a
/// fixed shape. Requires a verified plan. Throws kInvalidArgument for shapes that do not fit the model, kCorrupt when
/// inference contradicts what the plan declares; with the frame "step NAME (OP)".
ResolvedShapes resolve_shapes(const Plan& plan, std::vector<Tensor> constants,
                              const std::map<std::string, Shape>& input_shapes);
ResolvedShapes resolve_shapes(const Plan& plan, const std::vector<Blob>& blobs,
                              const std::map<std::string, Shape>& input_shapes);

/// By PlanValueId: the dimensions that differ between the smallest and the largest shapes of a profile, as bits (bit 0
/// is the first dimension). Values of unknown or differing rank have all bits set.
std::vector<uint32_t> free_dims_between(const ResolvedShapes& min, const ResolvedShapes& max);

}  // namespace burnish
