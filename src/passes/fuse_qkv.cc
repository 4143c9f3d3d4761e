// One tensor for Q, K and V: the three products in front of an attention, which read the same tensor, become one with
// the weights side by side; and what a model has joined itself, to split it again, is read as it is.
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

/// For v = Reshape(Gather(joined, part, axis 2)) with joined [B, S, 3, H, D]: joined.
ValueId source_of_gather(const Graph& graph, ValueId v, int64_t part) {
  const Node* view = producer_if(graph, v, "Reshape");
  const Node* gather = view != nullptr ? producer_if(graph, view->input(0), "Gather") : nullptr;
  if (gather == nullptr || axis_of(graph, *gather, 0) != 2 || rank_of(graph, gather->input(1)) != 0) return kNoValue;
  const SymShape* joined = shape_of(graph, gather->input(0));
  const SymShape* result = shape_of(graph, v);
  const bool fits = joined != nullptr && joined->size() == 5 && (*joined)[2].is(3) && result != nullptr &&
                    *result == SymShape{(*joined)[0], (*joined)[1], (*joined)[3] * (*joined)[4]};
  return fits && uniform_constant(graph, gather->input(1)) == static_cast<double>(part) ? gather->input(0) : kNoValue;
}

/// For v = output `part` of Split(joined) into three along the last axis of [B, S, 3·H·D]: joined.
ValueId source_of_split(const Graph& graph, ValueId v, int part) {
  const Node* split = producer_if(graph, v, "Split");
  const SymShape* piece = shape_of(graph, v);
  if (split == nullptr || piece == nullptr || split->outputs.size() != 3 || split->output(part) != v) return kNoValue;
  if (piece->size() != 3 || axis_of(graph, *split, 0) != 2) return kNoValue;
  return (*shape_of(graph, split->input(0)))[2] == piece->back() * Dim(3) ? split->input(0) : kNoValue;
}

/// The tensor that holds Q, K and V side by side already; kNoValue when there is none.
ValueId joined_source(const Graph& graph, const Node& attention) {
  ValueId source = kNoValue;
  for (int part = 0; part < 3; ++part) {
    const ValueId v = attention.input(part);
    ValueId from = source_of_gather(graph, v, part);
    if (from == kNoValue) from = source_of_split(graph, v, part);
    if (from == kNoValue || (part > 0 && from != source)) return kNoValue;
    source = from;
  }
  return source;
}

void read_packed(Graph& graph, NodeId id, ValueId qkv) {
  Node& node = graph.node(id);
  node.inputs = {qkv, kNoValue, kNoValue, node.input(3)};
  while (node.inputs.back() == kNoValue) node.inputs.pop_back();
  node.attrs.set("packed_qkv", int64_t{1});
  graph.infer_node(id);
  graph.remove_dead_nodes();
}

/// Attention over what the model itself has joined.
bool read_joined(Graph& graph, NodeId id, const PassContext& context) {
  const Node& attention = graph.node(id);
  if (attention.attrs.get_int("packed_qkv", 0) != 0) return false;
  ValueId source = joined_source(graph, attention);
  if (source == kNoValue) return false;
  const SymShape q = *shape_of(graph, attention.input(0));
  if (rank_of(graph, source) == 5) source = add_reshape(graph, source, {q[0], q[1], q[2] * Dim(3)}, "");
  if (source == kNoValue) return false;
  read_packed(graph, id, source);
  context.count("QKV read in place");
  return true;
}

bool fuse(Graph& graph, NodeId id, const PassContext& context) {
  const Node& attention = graph.node(id);
  std::vector<const Node*> parts;
  parts.reserve(3);
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
  read_packed(graph, id, qkv);
  context.count("Q+K+V");
  return true;
}

}  // namespace

bool fuse_qkv(Graph& graph, const PassContext& context) {
  bool changed = false;
  for (NodeId id : graph.topological_order()) {
    if (!graph.node(id).alive || graph.node(id).op != kFusedAttention) continue;
    changed = read_joined(graph, id, context) || fuse(graph, id, context) || changed;
  }
  return changed;
}

}  // namespace burnish
