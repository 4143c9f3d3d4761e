#include <fmt/format.h>

#include <map>

#include "cli/command.h"
#include "cli/describe.h"
#include "cli/dot.h"
#include "cli/json.h"

namespace burnish::cli {
namespace {

std::string shape_text(const TypeInfo& type) {
  return type.shape ? to_string(*type.shape) : "[?]";
}

std::map<std::string, int> count_ops(const Graph& graph) {
  std::map<std::string, int> counts;
  for (NodeId id = 0; id < graph.num_node_ids(); ++id) {
    if (graph.node(id).alive) ++counts[graph.node(id).op];
  }
  return counts;
}

struct Constants {
  int64_t count = 0, elements = 0, bytes = 0;
};

Constants sum_constants(const Graph& graph) {
  Constants sum;
  for (ValueId id = 0; id < graph.num_value_ids(); ++id) {
    const Value& value = graph.value(id);
    if (!value.is_constant()) continue;
    ++sum.count;
    sum.elements += value.constant.num_elements();
    sum.bytes += static_cast<int64_t>(value.constant.num_bytes());
  }
  return sum;
}

Json describe_value(const std::string& name, const TypeInfo& type) {
  Json json = {{"name", name}, {"dtype", name_of(type.dtype)}};
  if (type.shape) {
    json["shape"] = Json::array();
    for (const Dim& dim : *type.shape)
      json["shape"].push_back(dim.is_constant() ? Json(dim.value()) : Json(to_string(dim)));
  }
  return json;
}

}  // namespace

Json describe_model(const Graph& graph) {
  Json json = {{"kind", "model"}, {"name", graph.name}, {"metadata", graph.metadata}};
  json["inputs"] = Json::array();
  for (const ValueId id : graph.inputs())
    json["inputs"].push_back(describe_value(graph.value(id).name, graph.value(id).type));
  json["outputs"] = Json::array();
  for (const Graph::Output& o : graph.outputs())
    json["outputs"].push_back(describe_value(o.name, graph.value(o.value).type));
  const Constants constants = sum_constants(graph);
  json["nodes"] = graph.num_nodes();
  json["constants"] = {{"count", constants.count}, {"elements", constants.elements}, {"bytes", constants.bytes}};
  json["operators"] = count_ops(graph);
  return json;
}

void print_model(const Graph& graph) {
  fmt::print("model {}\n", printable(graph.name));
  for (const auto& [key, value] : graph.metadata) {
    if (!value.empty()) fmt::print("  {:<18} {}\n", printable(key), printable(value));
  }
  for (const ValueId id : graph.inputs()) {
    const Value& v = graph.value(id);
    fmt::print("input   {}: {} {}\n", printable(v.name), name_of(v.type.dtype), shape_text(v.type));
  }
  for (const Graph::Output& o : graph.outputs()) {
    const TypeInfo& type = graph.value(o.value).type;
    fmt::print("output  {}: {} {}\n", printable(o.name), name_of(type.dtype), shape_text(type));
  }
  const Constants constants = sum_constants(graph);
  fmt::print("{} nodes, {} constants with {} elements ({:.1f} MB)\n", graph.num_nodes(), constants.count,
             constants.elements, static_cast<double>(constants.bytes) / 1e6);
  for (const auto& [op, count] : count_ops(graph)) fmt::print("{:>6} × {}\n", count, op);
}

std::string dot_of(const Graph& graph) {
  DotWriter dot(graph.name);
  for (const ValueId id : graph.inputs()) {
    dot.terminal(fmt::format("v{}", id), fmt::format("{}\n{}", graph.value(id).name, shape_text(graph.value(id).type)));
  }
  for (const NodeId id : graph.topological_order()) {
    const Node& node = graph.node(id);
    dot.box(fmt::format("n{}", id), fmt::format("{}\n{}", node.op, node.name));
    for (const ValueId v : node.inputs) {
      if (v == kNoValue || graph.value(v).is_constant()) continue;
      const Node* producer = graph.producer(v);
      const std::string from = producer == nullptr ? fmt::format("v{}", v) : fmt::format("n{}", producer->id);
      dot.arrow(from, fmt::format("n{}", id), shape_text(graph.value(v).type));
    }
  }
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    const Graph::Output& o = graph.outputs()[i];
    dot.terminal(fmt::format("o{}", i), o.name);
    const Node* producer = graph.producer(o.value);
    const std::string from = producer == nullptr ? fmt::format("v{}", o.value) : fmt::format("n{}", producer->id);
    dot.arrow(from, fmt::format("o{}", i), shape_text(graph.value(o.value).type));
  }
  return dot.finish();
}

}  // namespace burnish::cli
