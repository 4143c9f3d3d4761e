// Shape arithmetic that inference has followed to the end becomes constant: values whose symbolic elements are all
// numbers, and the targets of Reshape as far as zeros and one -1 can say them. What is just one dimension of an input
// is read from that input.
#include <algorithm>

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

/// Which dimension of which graph input has exactly this symbol as its size.
struct Source {
  ValueId input = kNoValue;
  int64_t axis = 0;
};

std::optional<Source> source_of(const Graph& graph, const Dim& dim) {
  for (ValueId input : graph.inputs()) {
    const SymShape* shape = shape_of(graph, input);
    if (shape == nullptr) continue;
    const auto it = std::ranges::find(*shape, dim);
    if (it != shape->end()) return Source{input, it - shape->begin()};
  }
  return std::nullopt;
}

bool reads_dimension(const Node& n) {
  return n.op == "Shape" && n.attrs.has("start") && n.attrs.get_int("end", 0) == n.attrs.get_int("start", 0) + 1;
}

/// One symbolic INT64 number becomes Shape(input) of one axis, however it was computed.
bool read_from_input(Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  if (n.outputs.size() != 1 || n.output() == kNoValue || reads_dimension(n)) return false;
  const Value& v = graph.value(n.output());
  if (!v.dims || v.dims->size() != 1 || v.type.dtype != DType::kInt64 || rank_of(graph, v.id) > 1) return false;
  const Node* reader = n.op == "Reshape" ? graph.producer(n.input(0)) : nullptr;
  if (reader != nullptr && reads_dimension(*reader)) return false;  // that is its scalar form
  const auto source = source_of(graph, v.dims->front());
  if (!source || v.dims->front().is_constant()) return false;
  const ValueId y = v.id;
  const bool scalar = rank_of(graph, y) == 0;
  AttributeMap attrs;
  attrs.set("start", source->axis);
  attrs.set("end", source->axis + 1);
  ValueId size = emit(graph, "Shape", n.name, {source->input}, std::move(attrs), graph.value(y).name + "_size");
  if (scalar) size = add_reshape(graph, size, {}, "");
  replace_value(graph, y, size);
  return true;
}

}  // namespace

bool fold_shapes(Graph& graph, const PassContext& /*context*/) {
  bool changed = fold_known_values(graph);
  for (NodeId id = 0; id < graph.num_node_ids(); ++id) {
    if (graph.node(id).alive && graph.node(id).op == "Reshape") changed = fold_reshape_target(graph, id) || changed;
  }
  for (NodeId id : graph.topological_order()) {
    if (graph.node(id).alive) changed = read_from_input(graph, id) || changed;
  }
  return changed;
}

}  // namespace burnish
