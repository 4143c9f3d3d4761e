#pragma once
// Attention masks, as small as they can be.
#include "ir/graph.h"

namespace burnish {

/// True when every element is known to be true: constants, comparisons such as range(n) >= 0, and what is made of them.
bool is_all_true(const Graph& graph, ValueId value, int depth = 0);

/// A value with the same elements after broadcasting but fewer of them: without Expand, and without conjunctions with
/// what is always true. The value itself when nothing can be left out.
ValueId narrow_mask(Graph& graph, ValueId mask, int depth = 0);

}  // namespace burnish
