// x·sigmoid(x) is Swish.
#include "passes/factors.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

/// The x of x·sigmoid(x), or kNoValue.
ValueId match(const Graph& graph, const Node& n) {
  if (n.op != "Mul" || n.inputs.size() != 2) return kNoValue;
  for (int i = 0; i < 2; ++i) {
    const Node* sigmoid = producer_if(graph, n.input(i), "Sigmoid");
    if (sigmoid != nullptr && sigmoid->input(0) == n.input(1 - i)) return n.input(1 - i);
  }
  return kNoValue;
}

}  // namespace

bool recognise_silu(Graph& graph, const PassContext& context) {
  bool changed = false;
  for (NodeId id : graph.topological_order()) {
    const ValueId x = match(graph, graph.node(id));
    if (x == kNoValue) continue;
    const Node& n = graph.node(id);
    const ValueId y = n.output();
    replace_value(graph, y, emit(graph, "Swish", n.name, {x}, {}, graph.value(y).name));
    context.count("Swish");
    changed = true;
  }
  return changed;
}

}  // namespace burnish
