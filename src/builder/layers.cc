#include "builder/layers.h"

#include "ops/fused.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

using Symbols = std::map<std::string, int64_t, std::less<>>;

Symbols symbols_at_opt(const Graph& graph, const OptimizationProfile& profile) {
  Symbols symbols;
  for (const ValueId id : graph.inputs()) {
    const Value& input = graph.value(id);
    const auto it = profile.inputs.find(input.name);
    if (it == profile.inputs.end() || !input.type.shape) continue;
    for (size_t i = 0; i < input.type.shape->size() && static_cast<int>(i) < it->second.opt.rank(); ++i) {
      const Dim& dim = (*input.type.shape)[i];
      if (!dim.is_constant()) symbols.emplace(to_string(dim), it->second.opt[static_cast<int>(i)]);
    }
  }
  return symbols;
}

/// 0 when the shape depends on data.
double elements_at(const Graph& graph, ValueId v, const Symbols& symbols) {
  if (v == kNoValue || !graph.value(v).type.shape) return 0;
  double n = 1;
  for (const Dim& dim : *graph.value(v).type.shape) {
    const auto extent = dim.evaluate(symbols);
    if (!extent) return 0;
    n *= static_cast<double>(*extent);
  }
  return n;
}

/// Q·Kᵀ and its product with V. Packed, Q holds all three side by side.
double attention_macs(const Graph& graph, const Node& n, const Symbols& symbols) {
  const bool packed = n.attrs.get_int("packed_qkv", 0) != 0;
  const auto& keys = graph.value(n.input(packed ? 0 : 1)).type.shape;
  if (!keys || keys->size() != 3) return 0;
  const auto count = static_cast<double>((*keys)[1].evaluate(symbols).value_or(0));
  const double queries = elements_at(graph, n.input(0), symbols) / (packed ? 3 : 1);
  return count * (queries + elements_at(graph, n.output(), symbols));
}

double macs_of(const Graph& graph, const Node& n, const Symbols& symbols) {
  const double outputs = elements_at(graph, n.output(), symbols);
  if (n.op == kFusedConv || n.op == "Conv") {
    const auto& shape = graph.value(n.input(1)).type.shape;
    const auto w = shape ? to_concrete(*shape) : std::nullopt;
    return w && (*w)[0] > 0 ? outputs * static_cast<double>(w->num_elements()) / static_cast<double>((*w)[0]) : 0;
  }
  if (n.op == kFusedAttention) return attention_macs(graph, n, symbols);
  const auto& a = graph.value(n.input(0)).type.shape;
  if (!a || a->size() < 2) return 0;
  const Dim& depth = n.attrs.get_int("transA", 0) != 0 ? (*a)[a->size() - 2] : a->back();
  return outputs * static_cast<double>(depth.evaluate(symbols).value_or(0));
}

bool is_counted(const Node& n) {
  return n.op == kFusedConv || n.op == kFusedMatMul || n.op == kFusedAttention || n.op == "Conv" || n.op == "MatMul" ||
         n.op == "Gemm";
}

}  // namespace

std::vector<Layer> find_layers(const Graph& graph, const OptimizationProfile& profile) {
  const Symbols symbols = symbols_at_opt(graph, profile);
  std::vector<Layer> layers;
  for (NodeId id : graph.topological_order()) {
    const Node& n = graph.node(id);
    // Kernels for integers write channels last.
    if (!is_layer(graph, n) || (n.op == kFusedConv && !is_nhwc(n.attrs, "output_layout"))) continue;
    if (graph.value(n.input(0)).is_constant()) continue;
    // What the model itself stores as integers stays as it is.
    if (!is_float(graph, n.input(0)) || !is_float(graph, n.output())) continue;
    const std::string& output = graph.value(n.output()).name;
    const int weight_rank = graph.value(n.input(1)).constant.shape().rank();
    Layer layer{id, output, n.name.empty() ? output : n.name, n.op, n.input(0), output_channel_axis(n, weight_rank)};
    const bool channels_first = n.op == kFusedConv && !is_nhwc(n.attrs, "input_layout");
    layer.input_channel_axis = channels_first ? 1 : -1;
    layer.groups = n.op == kFusedConv ? n.attrs.get_int("group", 1) : 1;
    layer.macs = macs_of(graph, n, symbols);
    layers.push_back(std::move(layer));
  }
  return layers;
}

double count_macs(const Graph& graph, const OptimizationProfile& profile) {
  const Symbols symbols = symbols_at_opt(graph, profile);
  double total = 0;
  for (NodeId id : graph.topological_order()) {
    if (is_counted(graph.node(id))) total += macs_of(graph, graph.node(id), symbols);
  }
  return total;
}

}  // namespace burnish
