#pragma once
// A product of several factors, however its Mul and Div nodes are nested.
#include <vector>

#include "ir/graph.h"

namespace burnish {

struct Factors {
  double constant = 1;          ///< Product of all constant factors, 1/c for a Div by c.
  std::vector<ValueId> values;  ///< The others.
  bool has(ValueId v) const;
  /// For exactly two factors one of which is v: the other; kNoValue otherwise.
  ValueId other_than(ValueId v) const;
};

/// The factors of a Mul or Div node (by a constant), looking through such nodes in front of it whose results nobody
/// else reads. Anything else has itself as only factor.
Factors factors_of(const Graph& graph, ValueId product);

/// For u = c·x: c, and 0 when u is not a multiple of x.
double multiple_of(const Graph& graph, ValueId u, ValueId x);
/// For a = x + c with a constant c: x, or kNoValue.
ValueId added_to(const Graph& graph, ValueId a, double c);

}  // namespace burnish
