// HardSigmoid written as clip(x + 3, 0, 6)/6, and HardSwish written as x times that.
#include <cmath>

#include "passes/factors.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

bool near(double a, double b) {
  return std::abs(a - b) <= 1e-4 * std::abs(b);
}

/// For v = clip(x + 3, 0, 6): x.
ValueId clipped(const Graph& graph, ValueId v) {
  const Node* clip = producer_if(graph, v, "Clip");
  if (clip == nullptr) return kNoValue;
  const auto bounds = match_activation(graph, *clip);
  if (!bounds || bounds->alpha != 0.0F || bounds->beta != 6.0F) return kNoValue;
  return added_to(graph, clip->input(0), 3.0);
}

/// For v = hardsigmoid(x) with the slope 1/6: x.
ValueId sixth_sigmoid(const Graph& graph, ValueId v) {
  const Node* n = producer_if(graph, v, "HardSigmoid");
  const auto a = n != nullptr ? match_activation(graph, *n) : std::nullopt;
  return a && near(a->alpha, 1.0 / 6) && near(a->beta, 0.5) ? n->input(0) : kNoValue;
}

bool is_hardswish(const Graph& graph, const Factors& f, ValueId x) {
  const ValueId gate = f.other_than(x);
  if (gate == kNoValue) return false;
  return (near(f.constant, 1.0 / 6) && clipped(graph, gate) == x) ||
         (near(f.constant, 1.0) && sixth_sigmoid(graph, gate) == x);
}

bool rewrite(Graph& graph, NodeId id, const PassContext& context) {
  const Node& n = graph.node(id);
  if (n.op != "Mul" && n.op != "Div") return false;
  const Factors f = factors_of(graph, n.output());
  std::string op;
  ValueId x = kNoValue;
  for (ValueId v : f.values) {
    if (is_hardswish(graph, f, v)) std::tie(op, x) = std::pair("HardSwish", v);
  }
  if (f.values.size() == 1 && near(f.constant, 1.0 / 6))
    std::tie(op, x) = std::pair("HardSigmoid", clipped(graph, f.values[0]));
  if (x == kNoValue || !is_float(graph, x) || !same_shape(graph, x, n.output())) return false;
  AttributeMap attrs;
  if (op == "HardSigmoid") {
    attrs.set("alpha", 1.0F / 6);
    attrs.set("beta", 0.5F);
  }
  const ValueId y = n.output();
  replace_value(graph, y, emit(graph, op, n.name, {x}, std::move(attrs), graph.value(y).name));
  context.count(op);
  return true;
}

}  // namespace

bool recognise_hardswish(Graph& graph, const PassContext& context) {
  bool changed = false;
  for (NodeId id : graph.topological_order()) {
    if (graph.node(id).alive) changed = rewrite(graph, id, context) || changed;
  }
  return changed;
}

}  // namespace burnish
