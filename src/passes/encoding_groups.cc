#include "passes/encoding_groups.h"

#include <algorithm>

#include "ops/fused.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

/// Operators of ONNX that take encodings like our own.
bool is_encodable_op(const Node& node) {
  return is_one_of(node.op,
                   {kPointwise, kFusedAttention, "AveragePool", "GlobalAveragePool", "LayerNormalization", "Softmax"});
}

bool is_narrow_float(DType dtype) {
  return dtype == DType::kBFloat16 || dtype == DType::kFloat16;
}

}  // namespace

bool is_fused_product(const Node& node) {
  return node.op == kFusedConv || node.op == kFusedMatMul;
}

bool is_transparent(const Graph& graph, const Node& node) {
  if (node.op == "MaxPool") return node.output(1) == kNoValue && rank_of(graph, node.input(0)) == 4;
  if (node.op == "Resize") return node.attrs.get_string("mode", "nearest") == "nearest";
  return is_one_of(node.op, {"Concat", "Reshape", "Transpose", "Slice", "Split", "Gather", "Identity", "Expand",
                             "DepthToSpace", "SpaceToDepth"});
}

int num_data_inputs(const Node& node) {
  return node.op == "Concat" ? static_cast<int>(node.inputs.size()) : 1;
}

bool can_read(const Node& node, int input, DType dtype) {
  if (dtype == DType::kFloat32) return true;
  if (is_fused_product(node)) {
    const bool activation = input == 1 && node.op == kFusedMatMul && is_narrow_float(dtype);
    return input == 0 || input == kFusedResidual || activation;
  }
  if (node.op == kFusedAttention) return input < 3 && is_narrow_float(dtype);
  if (node.op == kPointwise) return true;
  return is_encodable_op(node) && input == 0;
}

bool can_write(const Node& node, DType dtype) {
  return dtype == DType::kFloat32 || is_fused_product(node) || is_encodable_op(node);
}

bool has_layer_form(const Node& product, int weight_rank) {
  if (product.attrs.get_int("transA", 0) != 0) return false;
  return product.op == kFusedConv ? weight_rank == 3 || weight_rank == 4 : weight_rank == 2;
}

bool is_layer(const Graph& graph, const Node& node) {
  if (!is_fused_product(node) || node.inputs.size() < 2) return false;
  const Value& w = graph.value(node.input(1));
  if (!w.is_constant() || w.constant.dtype() != DType::kFloat32 || node.input(kFusedWeightScales) != kNoValue)
    return false;
  const bool float_bias = node.input(kFusedBias) == kNoValue || graph.value(node.input(kFusedBias)).is_constant();
  return float_bias && has_layer_form(node, w.constant.shape().rank());
}

int output_channel_axis(const Node& product, int weight_rank) {
  if (product.op == kFusedConv) return 0;
  return product.attrs.get_int("transB", 0) != 0 ? weight_rank - 2 : weight_rank - 1;
}

EncodingGroups::EncodingGroups(const Graph& graph)
    : group_(static_cast<size_t>(graph.num_value_ids()), kNoValue),
      members_(static_cast<size_t>(graph.num_value_ids())) {
  const auto add = [&](ValueId v) {
    if (v == kNoValue || !is_float(graph, v) || graph.value(v).is_constant() || group_of(v) != kNoValue) return;
    group_[static_cast<size_t>(v)] = v;
    members_[static_cast<size_t>(v)] = {v};
  };
  const auto join = [&](ValueId a, ValueId b) {
    if (a == kNoValue || b == kNoValue || group_of(a) == kNoValue || group_of(b) == kNoValue) return;
    const ValueId from = group_of(b);
    const ValueId to = group_of(a);
    if (from == to) return;
    for (ValueId v : members_[static_cast<size_t>(from)]) {
      group_[static_cast<size_t>(v)] = to;
      members_[static_cast<size_t>(to)].push_back(v);
    }
    members_[static_cast<size_t>(from)].clear();
  };
  for (ValueId v : graph.inputs()) add(v);
  for (NodeId id : graph.topological_order()) {
    const Node& node = graph.node(id);
    for (ValueId v : node.outputs) add(v);
    if (!is_transparent(graph, node)) continue;
    for (ValueId v : node.outputs) {
      for (int i = 0; i < num_data_inputs(node); ++i) join(node.input(i), v);
    }
  }
}

}  // namespace burnish
