#include "builder/layers.h"

#include <set>

#include "compile/profile_shapes.h"
#include "ops/fused.h"
#include "passes/rewrite.h"
#include "runtime/step_cost.h"

namespace burnish {
namespace {

/// The node as a step meets it; nullopt when the shape of an input or output depends on data.
std::optional<Problem> problem_of(const Graph& graph, const Node& n, const GraphShapes& shapes) {
  Problem problem;
  problem.op = n.op;
  problem.attrs = &n.attrs;
  const auto describe = [&](const std::vector<ValueId>& values, std::vector<TensorDesc>& descs) {
    for (const ValueId v : values) {
      const auto shape = v == kNoValue ? std::nullopt : shapes.shape_of(v);
      if (v != kNoValue && !shape) return false;
      descs.push_back(shape ? TensorDesc{graph.value(v).type.dtype, *shape} : TensorDesc{});
    }
    return true;
  };
  const bool known = describe(n.inputs, problem.inputs) && describe(n.outputs, problem.outputs);
  return known ? std::optional(std::move(problem)) : std::nullopt;
}

double macs_of(const Graph& graph, const Node& n, const GraphShapes& shapes) {
  const auto problem = problem_of(graph, n, shapes);
  return problem ? step_cost(*problem).flops / 2 : 0;
}

/// Kernels of products of matrices add floats only.
void find_residuals(const Graph& graph, std::vector<Layer>& layers) {
  std::set<std::string_view> convolutions;
  for (const Layer& l : layers) {
    if (l.op == kFusedConv) convolutions.insert(l.output);
  }
  const auto users = graph.all_users();
  for (Layer& l : layers) {
    const ValueId v = graph.node(l.node).input(kFusedResidual);
    if (l.op != kFusedConv || v == kNoValue || graph.is_output(v) || users[static_cast<size_t>(v)].size() != 1)
      continue;
    if (convolutions.contains(graph.value(v).name)) l.residual = v;
  }
}

}  // namespace

std::vector<Layer> find_layers(const Graph& graph, const OptimizationProfile& profile) {
  const GraphShapes shapes(graph, profile, ProfilePoint::kOpt);
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
    Layer layer{id, output, n.name.empty() ? output : n.name, n.op, n.input(0)};
    layer.channel_axis = output_channel_axis(n, weight_rank);
    const bool channels_first = n.op == kFusedConv && !is_nhwc(n.attrs, "input_layout");
    layer.input_channel_axis = channels_first ? 1 : -1;
    layer.groups = n.op == kFusedConv ? n.attrs.get_int("group", 1) : 1;
    layer.macs = macs_of(graph, n, shapes);
    layers.push_back(std::move(layer));
  }
  find_residuals(graph, layers);
  return layers;
}

double count_macs(const Graph& graph, const OptimizationProfile& profile) {
  const GraphShapes shapes(graph, profile, ProfilePoint::kOpt);
  double total = 0;
  for (NodeId id : graph.topological_order()) total += macs_of(graph, graph.node(id), shapes);
  return total;
}

}  // namespace burnish
