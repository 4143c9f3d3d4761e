// Models that carry QuantizeLinear and DequantizeLinear: nodes that compute between a DequantizeLinear and a
// QuantizeLinear read and write the integers themselves, which gives the same numbers up to a rounding.
//
// In order: signed activations become unsigned ones (the same numbers, 128 higher), DequantizeLinear moves behind what
// only moves elements, pairs that undo each other go, then readers and writers take in what is next to them. What is
// left of constant weights is folded.
#include <algorithm>

#include "ops/fused.h"
#include "passes/encoding_groups.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

constexpr std::string_view kQuantize = "QuantizeLinear";
constexpr std::string_view kDequantize = "DequantizeLinear";

/// What a QuantizeLinear or DequantizeLinear per tensor, with constant parameters, says; nullopt for any other node.
std::optional<Encoding> encoding_of(const Graph& graph, const Node& n) {
  if (n.op != kQuantize && n.op != kDequantize) return std::nullopt;
  const ValueId integers = n.op == kQuantize ? n.output() : n.input(0);
  const ValueId floats = n.op == kQuantize ? n.input(0) : n.output();
  Encoding e{graph.value(integers).type.dtype};
  if (!e.is_integer() || !is_float(graph, floats) || !is_float(graph, n.input(1))) return std::nullopt;
  const Tensor& scale = graph.value(n.input(1)).constant;
  if (!scale.defined() || scale.num_elements() != 1 || !(*scale.as<float>() > 0)) return std::nullopt;
  e.scale = *scale.as<float>();
  if (n.input(2) == kNoValue) return e;
  const Tensor& zero = graph.value(n.input(2)).constant;
  if (!zero.defined() || zero.num_elements() != 1 || zero.dtype() != e.dtype) return std::nullopt;
  e.zero = e.dtype == DType::kInt8 ? *zero.as<int8_t>() : *zero.as<uint8_t>();
  return e;
}

/// The DequantizeLinear per tensor, of constants too, that makes the value; nullptr when something else does.
const Node* any_dequantize_of(const Graph& graph, ValueId v) {
  const Node* n = producer_if(graph, v, kDequantize);
  return n != nullptr && encoding_of(graph, *n) ? n : nullptr;
}
const Node* dequantize_of(const Graph& graph, ValueId v) {
  const Node* n = any_dequantize_of(graph, v);
  return n != nullptr && !graph.value(n->input(0)).is_constant() ? n : nullptr;
}
/// Of the rows of a table only those that are picked need be dequantised.
const Node* movable_dequantize(const Graph& graph, const Node& reader, ValueId v) {
  return reader.op == "Gather" ? any_dequantize_of(graph, v) : dequantize_of(graph, v);
}

void set_zero(Graph& graph, NodeId id, const Encoding& e) {
  const ValueId zero = add_zero_point(graph, graph.node(id).name + "_zero", e);
  Node& n = graph.node(id);
  n.inputs.resize(3, kNoValue);
  n.inputs[2] = zero;
  n.attrs.erase("output_dtype");
  graph.infer_node(id);
}

// --- signed activations ----------------------------------------------------------------------------------------------
bool make_unsigned(Graph& graph, NodeId id) {
  const auto e = encoding_of(graph, graph.node(id));
  if (graph.node(id).op != kQuantize || !e || e->dtype != DType::kInt8 || graph.is_output(graph.node(id).output()))
    return false;
  const std::vector<NodeId> users = graph.users(graph.node(id).output());
  const bool all_dequantize = std::ranges::all_of(users, [&](NodeId user) {
    const auto read = encoding_of(graph, graph.node(user));
    return graph.node(user).op == kDequantize && read && read->dtype == DType::kInt8;
  });
  if (!all_dequantize) return false;
  const auto raised = [](const Encoding& from) { return Encoding{DType::kUInt8, from.scale, from.zero + 128}; };
  std::vector<Encoding> read;
  read.reserve(users.size());
  for (NodeId user : users) read.push_back(raised(*encoding_of(graph, graph.node(user))));
  set_zero(graph, id, raised(*e));
  for (size_t i = 0; i < users.size(); ++i) set_zero(graph, users[i], read[i]);
  return true;
}

// --- moving and cancelling -------------------------------------------------------------------------------------------
/// The encoding that all data inputs of a transparent node are dequantised from.
std::optional<Encoding> common_encoding(const Graph& graph, const Node& n) {
  std::optional<Encoding> common;
  for (int i = 0; i < num_data_inputs(n); ++i) {
    const Node* d = movable_dequantize(graph, n, n.input(i));
    const auto e = d != nullptr ? encoding_of(graph, *d) : std::nullopt;
    if (!e || (common && !(*common == *e))) return std::nullopt;
    common = e;
  }
  return common;
}

bool sink_dequantize(Graph& graph, NodeId id) {
  const Node before = graph.node(id);
  if (!is_transparent(graph, before)) return false;
  const auto e = common_encoding(graph, before);
  if (!e) return false;
  const Node dequantize = *any_dequantize_of(graph, before.input(0));
  std::vector<ValueId> inputs = before.inputs;
  for (int i = 0; i < num_data_inputs(before); ++i) {
    inputs[static_cast<size_t>(i)] = any_dequantize_of(graph, before.input(i))->input(0);
  }
  std::vector<std::string> names;
  for (ValueId v : before.outputs) names.push_back(v == kNoValue ? "" : graph.value(v).name + "_quantized");
  const NodeId moved = graph.add_node(before.op, before.name, std::move(inputs), before.attrs, names);
  graph.infer_node(moved);
  for (size_t i = 0; i < before.outputs.size(); ++i) {
    if (before.outputs[i] == kNoValue) continue;
    std::vector<ValueId> read = dequantize.inputs;
    read[0] = graph.node(moved).outputs[i];
    replace_value(graph, before.outputs[i],
                  emit(graph, std::string(kDequantize), dequantize.name, std::move(read), dequantize.attrs,
                       graph.value(before.outputs[i]).name));
  }
  return true;
}

/// QuantizeLinear(DequantizeLinear(x)) with the same parameters is x.
bool cancel(Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  const Node* d = n.op == kQuantize ? dequantize_of(graph, n.input(0)) : nullptr;
  if (d == nullptr || encoding_of(graph, n) != encoding_of(graph, *d)) return false;
  replace_value(graph, n.output(), d->input(0));
  return true;
}

// --- weights ---------------------------------------------------------------------------------------------------------
/// How much to take from each stored number so that zero stands for zero: 0 for INT8, 128 for UINT8; nullopt for zero
/// points that do not allow it.
std::optional<int32_t> weight_shift(const Graph& graph, const Node& dequantize) {
  const Tensor& w = graph.value(dequantize.input(0)).constant;
  const int32_t shift = w.dtype() == DType::kUInt8 ? 128 : 0;
  if (dequantize.input(2) == kNoValue) return shift == 0 ? std::optional(0) : std::nullopt;
  const Tensor& zero = graph.value(dequantize.input(2)).constant;
  if (!zero.defined()) return std::nullopt;
  for (int64_t i = 0; i < zero.num_elements(); ++i) {
    const int32_t z = zero.dtype() == DType::kInt8 ? zero.as<int8_t>()[i] : zero.as<uint8_t>()[i];
    if (z != shift) return std::nullopt;
  }
  return shift;
}

struct IntegerWeights {
  Tensor weights, scales;
};

/// The weights of a product as INT8 with a scale for every output channel; nullopt when they are stored otherwise.
std::optional<IntegerWeights> integer_weights(const Graph& graph, const Node& product) {
  const Node* d = producer_if(graph, product.input(1), kDequantize);
  if (d == nullptr || !graph.value(d->input(0)).is_constant() || !graph.value(d->input(1)).is_constant())
    return std::nullopt;
  const Tensor& w = graph.value(d->input(0)).constant;
  const Tensor& scale = graph.value(d->input(1)).constant;
  const int rank = w.shape().rank();
  if ((w.dtype() != DType::kInt8 && w.dtype() != DType::kUInt8) || scale.dtype() != DType::kFloat32 ||
      d->attrs.get_int("block_size", 0) != 0 || !has_layer_form(product, rank))
    return std::nullopt;
  const int axis = output_channel_axis(product, rank);
  const int64_t channels = w.shape()[axis];
  const int64_t given = d->attrs.get_int("axis", 1);
  const bool per_channel =
      scale.shape().rank() == 1 && scale.num_elements() == channels && (given < 0 ? given + rank : given) == axis;
  const auto shift = weight_shift(graph, *d);
  if (!shift || (!per_channel && scale.num_elements() != 1)) return std::nullopt;
  IntegerWeights result{Tensor(DType::kInt8, w.shape()), Tensor(DType::kFloat32, Shape{channels})};
  for (int64_t i = 0; i < w.num_elements(); ++i) {
    const int32_t q = w.dtype() == DType::kInt8 ? w.as<int8_t>()[i] : w.as<uint8_t>()[i];
    result.weights.as<int8_t>()[i] = static_cast<int8_t>(q - *shift);
  }
  for (int64_t c = 0; c < channels; ++c) result.scales.as<float>()[c] = scale.as<float>()[per_channel ? c : 0];
  return result;
}

// --- readers and writers ---------------------------------------------------------------------------------------------
void read_integers(Graph& graph, NodeId id, int i, const Node& dequantize) {
  const Encoding e = *encoding_of(graph, dequantize);
  const ValueId integers = dequantize.input(0);
  Node& n = graph.node(id);
  n.inputs[static_cast<size_t>(i)] = integers;
  set_input_encoding(n.attrs, i, static_cast<int>(n.inputs.size()), e);
}

/// A product computes on integers when its input and its weights are stored so; then it reads its residual so, too.
bool read_product(Graph& graph, NodeId id, const PassContext& context) {
  const Node before = graph.node(id);
  const Node* x = dequantize_of(graph, before.input(0));
  if (x == nullptr || encoding_of(graph, *x)->dtype != DType::kUInt8) return false;
  if (before.input(kFusedWeightScales) != kNoValue) return false;
  const auto weights = integer_weights(graph, before);
  if (!weights) return false;
  const std::string base = graph.value(before.output()).name;
  const ValueId w = graph.add_constant(base + "_weights", weights->weights);
  const ValueId s = graph.add_constant(base + "_weight_scales", weights->scales);
  Node& n = graph.node(id);
  n.inputs.resize(kFusedWeightScales + 1, kNoValue);
  n.inputs[kFusedWeights] = w;
  n.inputs[kFusedWeightScales] = s;
  set_input_encoding(n.attrs, kFusedWeights, static_cast<int>(n.inputs.size()), {DType::kInt8});
  read_integers(graph, id, 0, *x);
  if (const Node* r = dequantize_of(graph, before.input(kFusedResidual))) read_integers(graph, id, kFusedResidual, *r);
  context.count(before.op + " in int8");
  return true;
}

bool read_inputs(Graph& graph, NodeId id, const PassContext& context) {
  if (is_fused_product(graph.node(id))) return read_product(graph, id, context);
  bool changed = false;
  for (int i = 0; i < static_cast<int>(graph.node(id).inputs.size()); ++i) {
    const Node& n = graph.node(id);
    const Node* d = dequantize_of(graph, n.input(i));
    if (d == nullptr || n.op == kDequantize || n.op == kQuantize || n.op == kFusedAttention) continue;
    if (is_transparent(graph, n) || !can_write(n, DType::kUInt8) || !can_read(n, i, DType::kUInt8)) continue;
    read_integers(graph, id, i, *d);
    changed = true;
  }
  return changed;
}

bool write_output(Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  if (!can_write(n, DType::kUInt8) || is_transparent(graph, n) || output_encoding(n.attrs).is_integer()) return false;
  if (is_fused_product(n) && input_encoding(n.attrs, 0, graph.value(n.input(0)).type.dtype).dtype == DType::kFloat32)
    return false;
  const Node* q = single_user(graph, n.output());
  const auto e = q != nullptr && q->op == kQuantize ? encoding_of(graph, *q) : std::nullopt;
  if (!e) return false;
  const ValueId integers = q->output();
  const ValueId floats = n.output();
  set_output_encoding(graph.node(id).attrs, *e);
  graph.infer_node(id);
  replace_value(graph, integers, floats);
  return true;
}

bool fold_weights(Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  if (n.op != kDequantize || !graph.value(n.input(0)).is_constant()) return false;
  auto folded = try_evaluate(graph, n.output());
  if (!folded) return false;
  const ValueId y = n.output();
  graph.set_constant(y, std::move(*folded));
  graph.remove_node(id);
  return true;
}

template <typename F>
bool for_all(Graph& graph, F rewrite) {
  bool changed = false;
  for (NodeId id : graph.topological_order()) {
    if (graph.node(id).alive) changed = rewrite(id) || changed;
  }
  graph.remove_dead_nodes();
  return changed;
}

}  // namespace

bool fuse_quantization(Graph& graph, const PassContext& context) {
  bool changed = for_all(graph, [&](NodeId id) { return make_unsigned(graph, id); });
  changed = for_all(graph, [&](NodeId id) { return sink_dequantize(graph, id) || cancel(graph, id); }) || changed;
  changed = for_all(graph, [&](NodeId id) { return cancel(graph, id); }) || changed;
  changed = for_all(graph, [&](NodeId id) { return read_inputs(graph, id, context); }) || changed;
  changed = for_all(graph, [&](NodeId id) { return write_output(graph, id); }) || changed;
  return for_all(graph, [&](NodeId id) { return fold_weights(graph, id); }) || changed;
}

}  // namespace burnish
