// Shape arithmetic that inference has followed to the end becomes constant: values whose symbolic elements are all
// numbers, and the targets of Reshape as far as zeros and one -1 can say them.
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

bool fold_known_values(Graph& graph) {
  bool changed = false;
  for (ValueId v = 0; v < graph.num_value_ids(); ++v) {
    if (graph.producer(v) == nullptr || graph.value(v).is_constant()) continue;
    const std::optional<Tensor> tensor = tensor_from_dims(graph.value(v));
    if (!tensor) continue;
    graph.set_constant(v, *tensor);
    changed = true;
  }
  return changed;
}

bool fold_reshape_target(Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const SymShape* from = shape_of(graph, node.input(0));
  const SymShape* to = shape_of(graph, node.output());
  if (from == nullptr || to == nullptr) return false;
  const auto target = reshape_target(*from, *to);
  if (!target || int_constant(graph, node.input(1)) == target) return false;
  const std::string name = graph.value(node.output()).name + "_shape";
  const ValueId constant = add_ints(graph, name, *target);
  graph.node(id).inputs[1] = constant;
  graph.node(id).attrs.erase("allowzero");
  return true;
}

}  // namespace

bool fold_shapes(Graph& graph, const PassContext& /*context*/) {
  bool changed = fold_known_values(graph);
  for (NodeId id = 0; id < graph.num_node_ids(); ++id) {
    if (graph.node(id).alive && graph.node(id).op == "Reshape") changed = fold_reshape_target(graph, id) || changed;
  }
  return changed;
}

}  // namespace burnish
