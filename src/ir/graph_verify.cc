// The invariants that every pass must keep.
#include <set>

#include "ir/graph.h"

namespace burnish {
namespace {

void check_id(const Graph& graph, ValueId id, const std::string& where) {
  check(id >= 0 && id < graph.num_value_ids(), ErrorCode::kInternal, "{} refers to value {} of {}", where, id,
        graph.num_value_ids());
}

void check_names(const Graph& graph) {
  std::set<std::string> names;
  for (int i = 0; i < graph.num_value_ids(); ++i) {
    const Value& v = graph.value(i);
    check(v.id == i && names.insert(v.name).second, ErrorCode::kInternal, "value name '{}' is not unique", v.name);
    check(!v.is_constant() || graph.producer(i) == nullptr, ErrorCode::kInternal,
          "constant '{}' has a producer as well", v.name);
  }
  std::set<std::string> outputs;
  for (const Graph::Output& o : graph.outputs()) {
    check(outputs.insert(o.name).second, ErrorCode::kInternal, "output name '{}' is not unique", o.name);
  }
}

bool has_origin(const Graph& graph, ValueId id) {
  return graph.value(id).is_constant() || graph.producer(id) != nullptr || graph.is_input(id);
}

void check_arity(const Node& node) {
  const OpDescriptor* op = find_op(node.op);
  check(op != nullptr, ErrorCode::kInternal, "node {} has an unknown operator", describe(node));
  const int inputs = static_cast<int>(node.inputs.size());
  const int outputs = static_cast<int>(node.outputs.size());
  check(inputs >= op->min_inputs && (op->max_inputs < 0 || inputs <= op->max_inputs), ErrorCode::kInternal,
        "node {} has {} inputs", describe(node), inputs);
  check(outputs >= op->min_outputs && (op->max_outputs < 0 || outputs <= op->max_outputs), ErrorCode::kInternal,
        "node {} has {} outputs", describe(node), outputs);
}

void check_node(const Graph& graph, const Node& node) {
  check_arity(node);
  for (ValueId v : node.inputs) {
    if (v == kNoValue) continue;
    check_id(graph, v, describe(node));
    check(has_origin(graph, v), ErrorCode::kInternal, "node {} reads '{}', which nothing makes", describe(node),
          graph.value(v).name);
  }
  for (ValueId v : node.outputs) {
    if (v == kNoValue) continue;
    check_id(graph, v, describe(node));
    check(graph.value(v).producer == node.id, ErrorCode::kInternal, "node {} is not the producer of its output '{}'",
          describe(node), graph.value(v).name);
  }
}

}  // namespace

void Graph::verify() const {
  check_names(*this);
  for (const Node& n : nodes_) {
    if (n.alive) check_node(*this, n);
  }
  for (const Output& o : outputs_) {
    check_id(*this, o.value, "output '" + o.name + "'");
    check(has_origin(*this, o.value), ErrorCode::kInternal, "nothing makes output '{}'", o.name);
  }
  try {
    topological_order();
  } catch (const Error& e) {
    throw_error(ErrorCode::kInternal, "{}", e.message());
  }
}

}  // namespace burnish
