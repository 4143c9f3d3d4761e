// exp(x - max(x))/sum(exp(x - max(x))) along one axis is Softmax, with or without the maximum.
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

/// The one axis of a reduction that keeps its dimension; -1 otherwise.
int kept_axis(const Graph& graph, const Node* n) {
  if (n == nullptr || n->attrs.get_int("keepdims", 1) == 0) return -1;
  const auto axes = reduction_axes(graph, *n);
  return axes && axes->size() == 1 ? (*axes)[0] : -1;
}

bool rewrite(Graph& graph, NodeId id, const PassContext& context) {
  const Node& n = graph.node(id);
  const Node* exp = n.op == "Div" ? producer_if(graph, n.input(0), "Exp") : nullptr;
  const Node* sum = exp != nullptr ? producer_if(graph, n.input(1), "ReduceSum") : nullptr;
  const int axis = kept_axis(graph, sum);
  if (axis < 0 || sum->input(0) != n.input(0) || !is_float(graph, n.output())) return false;
  ValueId x = exp->input(0);
  // The maximum that is taken away first changes nothing but the range.
  if (const Node* shifted = producer_if(graph, x, "Sub")) {
    const Node* max = producer_if(graph, shifted->input(1), "ReduceMax");
    if (kept_axis(graph, max) == axis && max->input(0) == shifted->input(0)) x = shifted->input(0);
  }
  AttributeMap attrs;
  attrs.set("axis", int64_t{axis});
  const ValueId y = n.output();
  replace_value(graph, y, emit(graph, "Softmax", n.name, {x}, std::move(attrs), graph.value(y).name));
  context.count("Softmax");
  return true;
}

}  // namespace

bool recognise_softmax(Graph& graph, const PassContext& context) {
  bool changed = false;
  for (NodeId id : graph.topological_order()) changed = rewrite(graph, id, context) || changed;
  return changed;
}

}  // namespace burnish
