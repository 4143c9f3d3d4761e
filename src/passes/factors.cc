#include "passes/factors.h"

#include <algorithm>
#include <cmath>

#include "passes/rewrite.h"

namespace burnish {
namespace {

/// Deeper products are no pattern of ours.
constexpr int kMaxDepth = 6;

void collect(const Graph& graph, ValueId v, int depth, Factors& factors) {
  if (const auto c = uniform_constant(graph, v)) {
    factors.constant *= *c;
    return;
  }
  const Node* n = graph.producer(v);
  const bool open =
      n != nullptr && n->inputs.size() == 2 && (depth == 0 || (depth < kMaxDepth && is_used_once(graph, v)));
  if (open && n->op == "Mul") {
    collect(graph, n->input(0), depth + 1, factors);
    collect(graph, n->input(1), depth + 1, factors);
    return;
  }
  const auto divisor = open && n->op == "Div" ? uniform_constant(graph, n->input(1)) : std::nullopt;
  if (divisor && *divisor != 0) {
    factors.constant /= *divisor;
    collect(graph, n->input(0), depth + 1, factors);
    return;
  }
  factors.values.push_back(v);
}

}  // namespace

bool Factors::has(ValueId v) const {
  return std::ranges::find(values, v) != values.end();
}

ValueId Factors::other_than(ValueId v) const {
  if (values.size() != 2) return kNoValue;
  if (values[0] == v) return values[1];
  return values[1] == v ? values[0] : kNoValue;
}

Factors factors_of(const Graph& graph, ValueId product) {
  Factors factors;
  collect(graph, product, 0, factors);
  return factors;
}

double multiple_of(const Graph& graph, ValueId u, ValueId x) {
  if (u == x) return 1;
  const Factors factors = factors_of(graph, u);
  return factors.values.size() == 1 && factors.values[0] == x ? factors.constant : 0;
}

ValueId added_to(const Graph& graph, ValueId a, double c) {
  const Node* n = producer_if(graph, a, "Add");
  const auto operands = n != nullptr ? split_uniform(graph, *n, true) : std::nullopt;
  return operands && std::abs(operands->constant - c) <= 1e-4 * std::abs(c) ? operands->value : kNoValue;
}

}  // namespace burnish
