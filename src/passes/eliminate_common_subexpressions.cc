// Computes equal things once: nodes of the same operator, attributes and inputs, and constants of the same content.
#include <algorithm>

#include "base/hash.h"
#include "passes/pass.h"

namespace burnish {
namespace {

/// Bytes at either end of a constant that go into its key; equal keys are compared in full.
constexpr size_t kKeyBytes = 256;

std::string constant_key(const Tensor& t) {
  const auto* bytes = static_cast<const std::byte*>(t.data());
  const size_t n = std::min(kKeyBytes, t.num_bytes());
  return fmt::format("{}{} {:x} {:x}", name_of(t.dtype()), to_string(t.shape()), hash64({bytes, n}),
                     hash64({bytes + t.num_bytes() - n, n}));
}

/// For each value that repeats an earlier constant, that constant.
std::vector<ValueId> find_repeated_constants(const Graph& graph) {
  std::map<std::string, std::vector<ValueId>> seen;
  std::vector<ValueId> earlier(static_cast<size_t>(graph.num_value_ids()), kNoValue);
  for (ValueId v = 0; v < graph.num_value_ids(); ++v) {
    if (!graph.value(v).is_constant()) continue;
    std::vector<ValueId>& alike = seen[constant_key(graph.value(v).constant)];
    const auto it = std::ranges::find_if(
        alike, [&](ValueId other) { return graph.value(other).constant.identical(graph.value(v).constant); });
    if (it != alike.end()) {
      earlier[static_cast<size_t>(v)] = *it;
    } else {
      alike.push_back(v);
    }
  }
  return earlier;
}

bool merge_constants(Graph& graph) {
  const std::vector<ValueId> earlier = find_repeated_constants(graph);
  bool changed = false;
  for (NodeId id = 0; id < graph.num_node_ids(); ++id) {
    if (!graph.node(id).alive) continue;
    for (ValueId& v : graph.node(id).inputs) {
      if (v == kNoValue || earlier[static_cast<size_t>(v)] == kNoValue) continue;
      v = earlier[static_cast<size_t>(v)];
      changed = true;
    }
  }
  return changed;
}

std::string node_key(const Node& node) {
  return fmt::format("{}({}){} {}", node.op, fmt::join(node.inputs, ","), node.outputs.size(), to_string(node.attrs));
}

/// The leader has every output that the follower has.
bool covers(const Node& leader, const Node& follower) {
  for (size_t i = 0; i < follower.outputs.size(); ++i) {
    if (follower.outputs[i] != kNoValue && leader.outputs[i] == kNoValue) return false;
  }
  return true;
}

bool is_repeatable(const Node& node) {
  const OpDescriptor* op = find_op(node.op);
  return op != nullptr && (op->traits & kRandom) == 0;
}

bool merge_nodes(Graph& graph) {
  std::map<std::string, NodeId> seen;
  bool changed = false;
  for (NodeId id : graph.topological_order()) {
    if (!is_repeatable(graph.node(id))) continue;
    const auto [it, is_new] = seen.emplace(node_key(graph.node(id)), id);
    if (is_new) continue;
    const Node& leader = graph.node(it->second);
    const Node& follower = graph.node(id);
    if (!(leader.attrs == follower.attrs) || !covers(leader, follower)) continue;
    for (size_t i = 0; i < follower.outputs.size(); ++i) {
      if (follower.outputs[i] != kNoValue) graph.replace_all_uses(follower.outputs[i], leader.outputs[i]);
    }
    graph.remove_node(id);
    changed = true;
  }
  return changed;
}

}  // namespace

bool eliminate_common_subexpressions(Graph& graph, const PassContext& /*context*/) {
  const bool constants = merge_constants(graph);
  return merge_nodes(graph) || constants;
}

}  // namespace burnish
