// Joins the three products in front of an attention, which read the same tensor, into one with the weights side by
// side.
#include <cstring>

#include "ops/fused.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

/// A FusedMatMul with a constant matrix [K, N] (or [N, K] with transB), at most a constant bias, and one reader.
const Node* projection(const Graph& graph, ValueId v) {
  const Node* n = producer_if(graph, v, kFusedMatMul);
  if (n == nullptr || !is_used_once(graph, v) || n->inputs.size() > 3) return nullptr;
  const Value& w = graph.value(n->input(1));
  if (!w.is_constant() || w.constant.shape().rank() != 2) return nullptr;
  if (n->input(2) != kNoValue && !graph.value(n->input(2)).is_constant()) return nullptr;
  return n;
}

/// The weights of several projections side by side as [K, ΣN].
Tensor join_weights(const Graph& graph, const std::vector<const Node*>& parts, bool transposed) {
  const Shape& first = graph.value(parts[0]->input(1)).constant.shape();
  const int64_t rows = first[transposed ? 1 : 0];
  const int64_t columns = first[transposed ? 0 : 1];
  const int64_t total = columns * static_cast<int64_t>(parts.size());
  Tensor joined(DType::kFloat32, Shape{rows, total});
  for (size_t p = 0; p < parts.size(); ++p) {
    const float* w = graph.value(parts[p]->input(1)).constant.as<float>();
    float* out = joined.as<float>() + static_cast<int64_t>(p) * columns;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) out[r * total + c] = transposed ? w[c * rows + r] : w[r * columns + c];
    }
  }
  return joined;
}

Tensor join_biases(const Graph& graph, const std::vector<const Node*>& parts, int64_t columns) {
  Tensor joined(DType::kFloat32, Shape{columns * static_cast<int64_t>(parts.size())});
  std::memset(joined.data(), 0, joined.num_bytes());
  for (size_t p = 0; p < parts.size(); ++p) {
    if (parts[p]->input(2) == kNoValue) continue;
    const Tensor& bias = graph.value(parts[p]->input(2)).constant;
    std::memcpy(joined.as<float>() + static_cast<int64_t>(p) * columns, bias.data(), bias.num_bytes());
  }
  return joined;
}

bool can_join(const Graph& graph, const std::vector<const Node*>& parts) {
  for (const Node* n : parts) {
    if (n == nullptr || n->input(0) != parts[0]->input(0) || !(n->attrs == parts[0]->attrs)) return false;
    if (!(graph.value(n->input(1)).constant.shape() == graph.value(parts[0]->input(1)).constant.shape())) return false;
  }
  return parts[0]->attrs.get_int("transA", 0) == 0;
}

bool fuse(Graph& graph, NodeId id, const PassContext& context) {
  const Node& attention = graph.node(id);
  std::vector<const Node*> parts;
  for (int i = 0; i < 3; ++i) parts.push_back(projection(graph, attention.input(i)));
  if (attention.attrs.get_int("packed_qkv", 0) != 0 || !can_join(graph, parts)) return false;
  const bool transposed = parts[0]->attrs.get_int("transB", 0) != 0;
  Tensor weights = join_weights(graph, parts, transposed);
  Tensor bias = join_biases(graph, parts, weights.shape()[1] / 3);
  const std::string name = join_names({parts[0]->name, parts[1]->name, parts[2]->name});
  const ValueId x = parts[0]->input(0);
  AttributeMap attrs = parts[0]->attrs;
  attrs.erase("transB");
  const ValueId w = graph.add_constant(graph.value(parts[0]->input(1)).name + "_qkv", std::move(weights));
  const ValueId b = graph.add_constant(graph.value(parts[0]->output()).name + "_qkv_bias", std::move(bias));
  const ValueId qkv = emit(graph, std::string(kFusedMatMul), name, {x, w, b}, std::move(attrs), "qkv");
  Node& node = graph.node(id);
  node.inputs = {qkv, kNoValue, kNoValue, node.input(3)};
  while (node.inputs.back() == kNoValue) node.inputs.pop_back();
  node.attrs.set("packed_qkv", int64_t{1});
  graph.infer_node(id);
  graph.remove_dead_nodes();
  context.count("Q+K+V");
  return true;
}

}  // namespace

bool fuse_qkv(Graph& graph, const PassContext& context) {
  bool changed = false;
  for (NodeId id : graph.topological_order()) {
    if (graph.node(id).alive && graph.node(id).op == kFusedAttention) changed = fuse(graph, id, context) || changed;
  }
  return changed;
}

}  // namespace burnish
