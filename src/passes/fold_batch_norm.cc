// Folds what acts on whole channels into the weights of a convolution: BatchNormalization behind it (or, where there
// is no padding, before it) and factors behind it. A BatchNormalization that stays alone becomes Mul and Add.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

/// y = scale·x + shift, by channel.
struct ChannelAffine {
  std::vector<float> scale, shift;
};

bool is_float_constant(const Graph& graph, ValueId v) {
  return is_float(graph, v) && graph.value(v).is_constant();
}

std::optional<ChannelAffine> affine_of_batch_norm(const Graph& graph, const Node& n) {
  if (n.op != "BatchNormalization" || n.attrs.get_int("training_mode", 0) != 0) return std::nullopt;
  for (int i = 1; i < 5; ++i) {
    if (!is_float_constant(graph, n.input(i))) return std::nullopt;
  }
  const auto channels = static_cast<size_t>(graph.value(n.input(1)).constant.num_elements());
  const auto data = [&](int i) { return graph.value(n.input(i)).constant; };
  for (int i = 2; i < 5; ++i) {
    if (data(i).num_elements() != static_cast<int64_t>(channels)) return std::nullopt;
  }
  const double epsilon = n.attrs.get_float("epsilon", 1e-5F);
  ChannelAffine affine;
  for (size_t c = 0; c < channels; ++c) {
    const double scale = data(1).as<float>()[c] / std::sqrt(double{data(4).as<float>()[c]} + epsilon);
    affine.scale.push_back(static_cast<float>(scale));
    affine.shift.push_back(static_cast<float>(data(2).as<float>()[c] - data(3).as<float>()[c] * scale));
  }
  return affine;
}

/// The elements of a constant that holds one number, or one for each channel: [C,1,1], [1,C,1,1].
std::optional<std::vector<float>> channel_constant(const Graph& graph, ValueId v, int rank, int64_t channels) {
  if (!is_float_constant(graph, v)) return std::nullopt;
  const Tensor& t = graph.value(v).constant;
  if (t.num_elements() == 1 && t.shape().rank() <= rank) {
    return std::vector<float>(static_cast<size_t>(channels), *t.as<float>());
  }
  const int axis = t.shape().rank() - (rank - 1);
  if (axis < 0 || t.num_elements() != channels || t.shape().rank() > rank || t.shape()[axis] != channels) {
    return std::nullopt;
  }
  return std::vector<float>(t.as<float>(), t.as<float>() + channels);
}

/// Mul and Div by, Add and Sub of a channel constant.
std::optional<ChannelAffine> affine_of_arithmetic(const Graph& graph, const Node& n, ValueId x, int64_t channels) {
  const bool commutes = n.op == "Mul" || n.op == "Add";
  if (!commutes && n.op != "Div" && n.op != "Sub") return std::nullopt;
  if (n.inputs.size() != 2 || (!commutes && n.input(0) != x) || !same_shape(graph, x, n.output())) return std::nullopt;
  const ValueId other = n.input(0) == x ? n.input(1) : n.input(0);
  const auto c = channel_constant(graph, other, rank_of(graph, x), channels);
  if (!c) return std::nullopt;
  const auto count = static_cast<size_t>(channels);
  ChannelAffine affine{std::vector<float>(count, 1.0F), std::vector<float>(count, 0.0F)};
  for (size_t i = 0; i < count; ++i) {
    if (n.op == "Mul") affine.scale[i] = (*c)[i];
    if (n.op == "Div") affine.scale[i] = 1.0F / (*c)[i];
    if (n.op == "Add") affine.shift[i] = (*c)[i];
    if (n.op == "Sub") affine.shift[i] = -(*c)[i];
  }
  return affine;
}

/// The DequantizeLinear that makes a Conv's weights of constants, with one scale or one for each output channel.
const Node* stored_weights(const Graph& graph, const Node& conv) {
  const Node* d = conv.op == "Conv" ? producer_if(graph, conv.input(1), "DequantizeLinear") : nullptr;
  const SymShape* w = d != nullptr ? shape_of(graph, conv.input(1)) : nullptr;
  if (w == nullptr || w->size() < 3 || !graph.value(d->input(0)).is_constant()) return nullptr;
  if (!is_float_constant(graph, d->input(1)) || d->attrs.get_int("block_size", 0) != 0) return nullptr;
  const Tensor& scale = graph.value(d->input(1)).constant;
  const auto rank = static_cast<int64_t>(w->size());
  const int64_t axis = d->attrs.get_int("axis", 1);
  const bool by_output = scale.shape().rank() == 1 && (axis == 0 || axis == -rank) && (*w)[0].is(scale.num_elements());
  const bool one_zero = d->input(2) == kNoValue || graph.value(d->input(2)).is_constant();
  return (by_output || scale.num_elements() == 1) && one_zero && is_used_once(graph, conv.input(1)) ? d : nullptr;
}

int64_t output_channels(const Graph& graph, const Node& conv) {
  const Shape w = *to_concrete(*shape_of(graph, conv.input(1)));
  return conv.op == "Conv" ? w[0] : w[1] * conv.attrs.get_int("group", 1);
}

/// A convolution whose weights may be rewritten: constant or dequantised constants, and of sizes that fit together.
bool has_constant_weights(const Graph& graph, const Node& n) {
  if (n.op != "Conv" && n.op != "ConvTranspose") return false;
  if (!is_float_constant(graph, n.input(1)) && stored_weights(graph, n) == nullptr) return false;
  const Shape w = *to_concrete(*shape_of(graph, n.input(1)));
  const int64_t group = n.attrs.get_int("group", 1);
  if (w.rank() < 3 || group < 1 || group > w[0] || w[0] % group != 0) return false;
  if (n.input(2) == kNoValue) return true;
  return is_float_constant(graph, n.input(2)) &&
         graph.value(n.input(2)).constant.num_elements() == output_channels(graph, n);
}

std::vector<float> bias_of(const Graph& graph, const Node& conv, int64_t channels) {
  if (conv.input(2) == kNoValue) return std::vector<float>(static_cast<size_t>(channels), 0.0F);
  const float* b = graph.value(conv.input(2)).constant.as<float>();
  return {b, b + channels};
}

/// The output channel that weight row (o, i) of a convolution contributes to.
int64_t channel_of_row(const Node& conv, const Shape& w, int64_t o, int64_t i) {
  if (conv.op == "Conv") return o;
  return o / (w[0] / conv.attrs.get_int("group", 1)) * w[1] + i;
}

Tensor scale_outputs(const Node& conv, const Tensor& weights, const std::vector<float>& scale) {
  Tensor scaled = weights.clone();
  const Shape& w = weights.shape();
  const int64_t window = w.product(2, w.rank());
  for (int64_t o = 0; o < w[0]; ++o) {
    for (int64_t i = 0; i < w[1]; ++i) {
      float* p = scaled.as<float>() + (o * w[1] + i) * window;
      const float s = scale[static_cast<size_t>(channel_of_row(conv, w, o, i))];
      std::for_each(p, p + window, [s](float& v) { v *= s; });
    }
  }
  return scaled;
}

/// The same weights with their scales multiplied: the stored numbers stay. Zero points go by channel, too, then.
ValueId scale_stored(Graph& graph, const Node& dequantize, const std::vector<float>& factors) {
  const Tensor& scale = graph.value(dequantize.input(1)).constant;
  const auto channels = static_cast<int64_t>(factors.size());
  std::vector<float> scaled = factors;
  for (size_t c = 0; c < factors.size(); ++c) scaled[c] *= scale.as<float>()[scale.num_elements() == 1 ? 0 : c];
  std::vector<ValueId> inputs = dequantize.inputs;
  if (inputs.size() > 2 && inputs[2] != kNoValue && graph.value(inputs[2]).constant.num_elements() == 1) {
    const Tensor& zero = graph.value(inputs[2]).constant;
    Tensor zeros(zero.dtype(), Shape{channels});
    std::fill_n(zeros.as<uint8_t>(), channels, *zero.as<uint8_t>());
    inputs[2] = graph.add_constant(graph.value(inputs[2]).name, std::move(zeros));
  }
  AttributeMap attrs = dequantize.attrs;
  attrs.set("axis", int64_t{0});
  const std::string base = graph.value(dequantize.output()).name + "_folded";
  inputs[1] = add_floats(graph, base + "_scale", scaled, Shape{channels});
  return emit(graph, dequantize.op, dequantize.name, std::move(inputs), std::move(attrs), base);
}

/// The weights with every output channel multiplied; nullopt where they are not stored in a byte each.
std::optional<ValueId> scaled_weights(Graph& graph, const Node& conv, const std::vector<float>& scale) {
  const ValueId weights = conv.input(1);
  if (std::ranges::all_of(scale, [](float s) { return s == 1.0F; })) return weights;
  if (const Node* stored = stored_weights(graph, conv)) {
    if (size_of(graph.value(stored->input(0)).type.dtype) != 1) return std::nullopt;
    return scale_stored(graph, *stored, scale);
  }
  return graph.add_constant(graph.value(weights).name + "_folded",
                            scale_outputs(conv, graph.value(weights).constant, scale));
}

void set_weights(Graph& graph, NodeId conv, ValueId weight_id, const std::vector<float>& bias) {
  const std::string b = graph.value(graph.node(conv).output()).name + "_bias";
  const ValueId bias_id = add_floats(graph, b, bias, Shape{static_cast<int64_t>(bias.size())});
  graph.node(conv).inputs = {graph.node(conv).input(0), weight_id, bias_id};
}

/// Folds the node that alone reads a convolution's output into it. False when there is none such.
bool fold_behind(Graph& graph, NodeId conv_id, const PassContext& context) {
  const Node& conv = graph.node(conv_id);
  const ValueId y = conv.output();
  const Node* next = single_user(graph, y);
  if (next == nullptr || rank_of(graph, y) < 0) return false;
  const int64_t channels = output_channels(graph, conv);
  auto affine = next->input(0) == y ? affine_of_batch_norm(graph, *next) : std::nullopt;
  const bool is_norm = affine.has_value();
  if (!affine) affine = affine_of_arithmetic(graph, *next, y, channels);
  if (!affine || static_cast<int64_t>(affine->scale.size()) != channels) return false;
  std::vector<float> bias = bias_of(graph, conv, channels);
  for (size_t c = 0; c < bias.size(); ++c) bias[c] = bias[c] * affine->scale[c] + affine->shift[c];
  const auto weights = scaled_weights(graph, conv, affine->scale);
  if (!weights) return false;
  // Adding nodes may have moved the others.
  const Node& folded = *single_user(graph, y);
  context.count(fmt::format("{}+{}", graph.node(conv_id).op, is_norm ? "BatchNormalization" : folded.op));
  const ValueId result = folded.output();
  graph.node(conv_id).name = join_names({graph.node(conv_id).name, folded.name});
  set_weights(graph, conv_id, *weights, bias);
  replace_value(graph, result, y);
  return true;
}

bool has_no_padding(const Node& conv) {
  const std::string mode = conv.attrs.get_string("auto_pad", "NOTSET");
  return (mode == "NOTSET" || mode == "VALID") &&
         std::ranges::all_of(conv.attrs.get_ints("pads"), [](int64_t p) { return p == 0; });
}

/// W[o,i] ·= scale[c], b[o] += Σ W[o,i]·shift[c], where c is the input channel that (o, i) reads.
void fold_inputs(Graph& graph, NodeId conv_id, const ChannelAffine& affine) {
  const Node& conv = graph.node(conv_id);
  Tensor weights = graph.value(conv.input(1)).constant.clone();
  const Shape& w = weights.shape();
  const int64_t window = w.product(2, w.rank());
  const int64_t per_group = w[0] / conv.attrs.get_int("group", 1);
  std::vector<float> bias = bias_of(graph, conv, w[0]);
  for (int64_t o = 0; o < w[0]; ++o) {
    double sum = 0;
    for (int64_t i = 0; i < w[1]; ++i) {
      const auto c = static_cast<size_t>(o / per_group * w[1] + i);
      float* p = weights.as<float>() + (o * w[1] + i) * window;
      for (int64_t k = 0; k < window; ++k) {
        sum += double{p[k]} * affine.shift[c];
        p[k] *= affine.scale[c];
      }
    }
    bias[static_cast<size_t>(o)] += static_cast<float>(sum);
  }
  const ValueId folded = graph.add_constant(graph.value(conv.input(1)).name + "_folded", std::move(weights));
  set_weights(graph, conv_id, folded, bias);
}

bool fold_before(Graph& graph, NodeId conv_id, const PassContext& context) {
  const Node& conv = graph.node(conv_id);
  const Node* norm = producer_if(graph, conv.input(0), "BatchNormalization");
  if (conv.op != "Conv" || norm == nullptr || !is_float_constant(graph, conv.input(1)) ||
      !is_used_once(graph, conv.input(0)) || !has_no_padding(conv))
    return false;
  const auto affine = affine_of_batch_norm(graph, *norm);
  const Shape& w = graph.value(conv.input(1)).constant.shape();
  const int64_t inputs = w[1] * conv.attrs.get_int("group", 1);
  if (!affine || static_cast<int64_t>(affine->scale.size()) != inputs) return false;
  const NodeId norm_id = norm->id;
  context.count("BatchNormalization+Conv");
  graph.node(conv_id).name = join_names({norm->name, conv.name});
  fold_inputs(graph, conv_id, *affine);
  graph.node(conv_id).inputs[0] = graph.node(norm_id).input(0);
  graph.remove_node(norm_id);
  return true;
}

/// BatchNormalization alone: x·scale + shift.
bool split_alone(Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  const auto affine = affine_of_batch_norm(graph, n);
  const int rank = rank_of(graph, n.input(0));
  if (!affine || rank < 2 || !is_float(graph, n.input(0))) return false;
  Shape shape;
  for (int i = 0; i < rank; ++i) shape.push_back(i == 1 ? static_cast<int64_t>(affine->scale.size()) : 1);
  const ValueId x = n.input(0);
  const ValueId y = n.output();
  const std::string name = n.name;
  const std::string base = graph.value(y).name;
  const ValueId scale = add_floats(graph, base + "_scale", affine->scale, shape);
  const ValueId shift = add_floats(graph, base + "_shift", affine->shift, shape);
  const ValueId product = emit(graph, "Mul", name, {x, scale}, {}, base + "_scaled");
  replace_value(graph, y, emit(graph, "Add", name, {product, shift}, {}, base));
  return true;
}

}  // namespace

bool fold_batch_norm(Graph& graph, const PassContext& context) {
  bool changed = false;
  for (NodeId id : graph.topological_order()) {
    if (!graph.node(id).alive || !has_constant_weights(graph, graph.node(id))) continue;
    while (fold_behind(graph, id, context)) changed = true;
    changed = fold_before(graph, id, context) || changed;
  }
  for (NodeId id : graph.topological_order()) {
    if (graph.node(id).op == "BatchNormalization") changed = split_alone(graph, id) || changed;
  }
  return changed;
}

}  // namespace burnish
