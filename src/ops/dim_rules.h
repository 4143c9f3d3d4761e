#pragma once
// How shape arithmetic is followed through numeric operators: integer tensors as symbolic dims, element by element.
#include "ops/op.h"

namespace burnish {

/// What a binary operator makes of two symbolic integers; nullopt when that cannot be told.
using DimRule = std::optional<Dim> (*)(const Dim& a, const Dim& b);

/// Tells output 0's symbolic elements from those of inputs i and j (equal lengths, or one of them a single element).
void follow_dims(InferContext& c, DimRule rule, int i = 0, int j = 1);
/// The same for one input.
void follow_dims(InferContext& c, std::optional<Dim> (*rule)(const Dim& a));

// Divisions are followed as if nothing were negative, which shape arithmetic may assume of symbols.
std::optional<Dim> div_rule(const Dim& a, const Dim& b);
std::optional<Dim> mod_rule(const Dim& a, const Dim& b);
/// Comparisons give 0 or 1 where all non-negative values of the symbols agree.
std::optional<Dim> equal_rule(const Dim& a, const Dim& b);
std::optional<Dim> less_rule(const Dim& a, const Dim& b);
std::optional<Dim> less_or_equal_rule(const Dim& a, const Dim& b);

}  // namespace burnish
