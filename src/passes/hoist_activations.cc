// An activation behind a Reshape or Transpose of a product moves in front of it, where it costs nothing: the product
// can absorb it.
#include <algorithm>

#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

bool is_product(const Node& n) {
  return n.op == "Conv" || n.op == "MatMul" || n.op == "Gemm";
}

bool is_fused_activation(const Graph& graph, const Node& n) {
  return n.outputs.size() == 1 && is_float(graph, n.output()) && match_activation(graph, n).has_value();
}

/// The first of the views between a product and v, when nobody else reads any of them.
const Node* first_view(const Graph& graph, ValueId v) {
  const Node* first = nullptr;
  for (const Node* n = graph.producer(v); n != nullptr && is_used_once(graph, n->output());
       n = graph.producer(n->input(0))) {
    if (is_product(*n)) return first;
    // A bias on the way is absorbed too, but only directly behind the product.
    if (n->op != "Reshape" && n->op != "Transpose") return nullptr;
    first = n;
  }
  return nullptr;
}

bool hoist(Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  if (!is_fused_activation(graph, n)) return false;
  const Node* view = first_view(graph, n.input(0));
  if (view == nullptr) return false;
  const NodeId view_id = view->id;
  const ValueId y = n.output();
  const ValueId last = n.input(0);
  std::vector<ValueId> inputs = n.inputs;
  inputs[0] = view->input(0);
  const ValueId moved = emit(graph, n.op, n.name, std::move(inputs), n.attrs, graph.value(y).name);
  graph.node(view_id).inputs[0] = moved;
  replace_value(graph, y, last);
  return true;
}

}  // namespace

bool hoist_activations(Graph& graph, const PassContext& /*context*/) {
  bool changed = false;
  for (NodeId id : graph.topological_order()) {
    if (graph.node(id).alive) changed = hoist(graph, id) || changed;
  }
  return changed;
}

}  // namespace burnish
