#include "ir/graph.h"

#include <algorithm>
#include <functional>
#include <queue>

namespace burnish {
namespace {

size_t index(int32_t id) {
  return static_cast<size_t>(id);
}

/// For each node the nodes that read its outputs, once for each reading.
std::vector<std::vector<NodeId>> readers_by_node(const Graph& graph) {
  std::vector<std::vector<NodeId>> readers(index(graph.num_node_ids()));
  for (NodeId id = 0; id < graph.num_node_ids(); ++id) {
    if (!graph.node(id).alive) continue;
    for (ValueId v : graph.node(id).inputs) {
      if (const Node* p = graph.producer(v)) readers[index(p->id)].push_back(id);
    }
  }
  return readers;
}

}  // namespace

std::string describe(const Node& node) {
  return node.name.empty() ? fmt::format("({})", node.op) : fmt::format("{} ({})", node.name, node.op);
}

std::string Graph::unique_name(const std::string& wanted) {
  std::string base = wanted.empty() ? "value" : wanted;
  if (!by_name_.contains(base)) return base;
  int& suffix = next_suffix_[base];
  std::string name;
  do name = fmt::format("{}_{}", base, ++suffix);
  while (by_name_.contains(name));
  return name;
}

ValueId Graph::add_value(const std::string& wanted_name, TypeInfo type) {
  Value v;
  v.id = static_cast<ValueId>(values_.size());
  v.name = unique_name(wanted_name);
  v.type = std::move(type);
  by_name_.emplace(v.name, v.id);
  values_.push_back(std::move(v));
  return values_.back().id;
}

ValueId Graph::add_input(const std::string& name, TypeInfo type) {
  const ValueId id = add_value(name, std::move(type));
  inputs_.push_back(id);
  return id;
}

ValueId Graph::add_constant(const std::string& name, Tensor value) {
  const ValueId id = add_value(name, {value.dtype(), to_symbolic(value.shape())});
  this->value(id).constant = std::move(value);
  return id;
}

NodeId Graph::add_node(std::string op, std::string name, std::vector<ValueId> inputs, AttributeMap attrs,
                       const std::vector<std::string>& output_names) {
  Node n;
  n.id = static_cast<NodeId>(nodes_.size());
  n.op = std::move(op);
  n.name = std::move(name);
  n.attrs = std::move(attrs);
  n.inputs = std::move(inputs);
  for (const std::string& output : output_names) {
    n.outputs.push_back(output.empty() ? kNoValue : add_value(output, {}));
    if (n.outputs.back() != kNoValue) value(n.outputs.back()).producer = n.id;
  }
  nodes_.push_back(std::move(n));
  return nodes_.back().id;
}

void Graph::add_output(ValueId value, std::string name) {
  outputs_.push_back({value, std::move(name)});
}

int Graph::num_nodes() const {
  return static_cast<int>(std::count_if(nodes_.begin(), nodes_.end(), [](const Node& n) { return n.alive; }));
}

ValueId Graph::find_value(const std::string& wanted) const {
  const auto it = by_name_.find(wanted);
  return it == by_name_.end() ? kNoValue : it->second;
}

std::vector<NodeId> Graph::topological_order() const {
  const std::vector<std::vector<NodeId>> readers = readers_by_node(*this);
  std::vector<int> missing(nodes_.size(), 0);
  for (const std::vector<NodeId>& all : readers) {
    for (NodeId r : all) ++missing[index(r)];
  }
  std::priority_queue<NodeId, std::vector<NodeId>, std::greater<>> ready;
  for (const Node& n : nodes_) {
    if (n.alive && missing[index(n.id)] == 0) ready.push(n.id);
  }
  std::vector<NodeId> order;
  while (!ready.empty()) {
    order.push_back(ready.top());
    ready.pop();
    for (NodeId r : readers[index(order.back())]) {
      if (--missing[index(r)] == 0) ready.push(r);
    }
  }
  if (static_cast<int>(order.size()) == num_nodes()) return order;
  const auto stuck = std::ranges::find_if(nodes_, [&](const Node& n) { return n.alive && missing[index(n.id)] > 0; });
  throw_error(ErrorCode::kInvalidModel, "the graph has a cycle through or before node {}", describe(*stuck));
}

std::vector<NodeId> Graph::users(ValueId value) const {
  std::vector<NodeId> result;
  for (const Node& n : nodes_) {
    if (n.alive) result.insert(result.end(), index(static_cast<int32_t>(std::ranges::count(n.inputs, value))), n.id);
  }
  return result;
}

std::vector<std::vector<NodeId>> Graph::all_users() const {
  std::vector<std::vector<NodeId>> result(values_.size());
  for (const Node& n : nodes_) {
    if (!n.alive) continue;
    for (ValueId v : n.inputs) {
      if (v != kNoValue) result[index(v)].push_back(n.id);
    }
  }
  return result;
}

bool Graph::is_output(ValueId value) const {
  return std::any_of(outputs_.begin(), outputs_.end(), [&](const Output& o) { return o.value == value; });
}

bool Graph::is_input(ValueId value) const {
  return std::ranges::find(inputs_, value) != inputs_.end();
}

const Node* Graph::producer(ValueId value) const {
  if (value == kNoValue) return nullptr;
  const NodeId id = this->value(value).producer;
  return id != kNoNode && node(id).alive ? &node(id) : nullptr;
}

void Graph::replace_all_uses(ValueId old, ValueId replacement) {
  for (Node& n : nodes_) {
    if (n.alive) std::ranges::replace(n.inputs, old, replacement);
  }
  replace_output(old, replacement);
}

void Graph::replace_output(ValueId old, ValueId replacement) {
  for (Output& o : outputs_) {
    if (o.value == old) o.value = replacement;
  }
}

void Graph::remove_node(NodeId id) {
  for (ValueId v : node(id).outputs) {
    if (v == kNoValue || value(v).producer != id) continue;
    check(!is_output(v) && users(v).empty(), ErrorCode::kInternal, "node {} is removed while '{}' is still read",
          describe(node(id)), value(v).name);
    value(v).producer = kNoNode;
  }
  node(id).alive = false;
}

void Graph::set_constant(ValueId id, Tensor tensor) {
  Value& v = value(id);
  if (v.producer != kNoNode) std::ranges::replace(node(v.producer).outputs, id, kNoValue);
  v.producer = kNoNode;
  v.type = {tensor.dtype(), to_symbolic(tensor.shape())};
  v.dims.reset();
  v.constant = std::move(tensor);
}

void Graph::move_output(ValueId id, NodeId to) {
  Value& v = value(id);
  if (v.producer != kNoNode) std::ranges::replace(node(v.producer).outputs, id, kNoValue);
  v.producer = to;
  node(to).outputs.push_back(id);
}

int Graph::remove_dead_nodes() {
  std::vector<int> readers(values_.size(), 0);
  for (const Output& o : outputs_) ++readers[index(o.value)];
  for (const Node& n : nodes_) {
    for (ValueId v : n.inputs) {
      if (n.alive && v != kNoValue) ++readers[index(v)];
    }
  }
  const auto is_dead = [&](const Node& n) {
    return n.alive &&
           std::ranges::all_of(n.outputs, [&](ValueId v) { return v == kNoValue || readers[index(v)] == 0; });
  };
  std::vector<NodeId> pending;
  for (const Node& n : nodes_) {
    if (is_dead(n)) pending.push_back(n.id);
  }
  int removed = 0;
  while (!pending.empty()) {
    Node& n = node(pending.back());
    pending.pop_back();
    if (!n.alive) continue;
    n.alive = false;
    ++removed;
    for (ValueId v : n.outputs) {
      if (v != kNoValue) value(v).producer = kNoNode;
    }
    for (ValueId v : n.inputs) {
      if (v == kNoValue || --readers[index(v)] > 0) continue;
      const Node* p = producer(v);
      if (p != nullptr && is_dead(*p)) pending.push_back(p->id);
    }
  }
  for (Value& v : values_) {
    if (readers[index(v.id)] == 0) v.constant = Tensor();
  }
  return removed;
}

}  // namespace burnish
