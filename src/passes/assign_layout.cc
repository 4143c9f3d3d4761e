// Keeps images channels-last: every convolution, pooling and resize reads and writes [N, H, W, C], with Transposes
// around it that sink_transposes and the clean-up then remove wherever two of these operators meet.
#include <algorithm>

#include "ops/fused.h"
#include "passes/layout.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

/// Images of so few channels stay as they come: the first convolution reads them in any layout equally well.
constexpr int64_t kMaxImageChannels = 4;

constexpr int kImageRank = 4;

bool is_pool_or_resize(const Node& n) {
  static constexpr std::string_view kOps[] = {"MaxPool",           "AveragePool",   "LpPool",
                                              "GlobalAveragePool", "GlobalMaxPool", "Resize"};
  return std::ranges::find(kOps, n.op) != std::end(kOps);
}

bool is_candidate(const Graph& graph, const Node& n) {
  if (n.op != kFusedConv && !is_pool_or_resize(n)) return false;
  if (n.attrs.has("layout") || n.attrs.has("output_layout") || n.output(1) != kNoValue) return false;
  return is_float(graph, n.input(0)) && rank_of(graph, n.input(0)) == kImageRank &&
         rank_of(graph, n.output()) == kImageRank;
}

/// The mean over the whole image is a global pooling, however it is written.
bool turn_mean_into_pool(Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  if (n.op != "ReduceMean" || !is_float(graph, n.input(0)) || rank_of(graph, n.input(0)) != kImageRank) return false;
  if (reduction_axes(graph, n) != std::vector<int>{2, 3}) return false;
  const ValueId y = n.output();
  const std::string name = n.name;
  const SymShape shape = graph.value(y).type.shape.value_or(SymShape{});
  if (shape.size() < 2) return false;
  ValueId pooled = emit(graph, "GlobalAveragePool", name, {n.input(0)}, {}, graph.value(y).name);
  if (shape.size() == 2) pooled = add_reshape(graph, pooled, shape, name);
  if (pooled == kNoValue) return false;
  replace_value(graph, y, pooled);
  return true;
}

bool has_few_channels(const Graph& graph, ValueId v) {
  const Dim& channels = (*shape_of(graph, v))[1];
  return channels.is_constant() && channels.value() <= kMaxImageChannels;
}

/// Tells which values come, through however many nodes, from one that will be channels-last.
class Upstream {
 public:
  explicit Upstream(const Graph& graph) : from_image_(static_cast<size_t>(graph.num_value_ids()), false) {
    for (NodeId id : graph.topological_order()) {
      const Node& n = graph.node(id);
      const bool from_image = is_candidate(graph, n) ||
                              std::ranges::any_of(n.inputs, [&](ValueId v) { return v != kNoValue && has_image(v); });
      for (ValueId v : n.outputs) {
        if (v != kNoValue) from_image_[static_cast<size_t>(v)] = from_image;
      }
    }
  }
  /// Values that were added since are results of such nodes.
  bool has_image(ValueId v) const {
    return static_cast<size_t>(v) >= from_image_.size() || from_image_[static_cast<size_t>(v)];
  }

 private:
  std::vector<bool> from_image_;
};

ValueId channels_last(Graph& graph, ValueId v, const std::string& name) {
  return add_transpose(graph, v, to_channels_last(kImageRank), name);
}

void wrap_conv(Graph& graph, NodeId id, const Upstream& upstream) {
  const std::string name = graph.node(id).name;
  const ValueId x = graph.node(id).input(0);
  if (!has_few_channels(graph, x) || upstream.has_image(x)) {
    const ValueId moved = channels_last(graph, x, name);
    graph.node(id).inputs[0] = moved;
    graph.node(id).attrs.set("input_layout", "NHWC");
  }
  if (const ValueId residual = graph.node(id).input(3); residual != kNoValue) {
    const ValueId moved = channels_last(graph, residual, name);
    graph.node(id).inputs[3] = moved;
  }
  graph.node(id).attrs.set("output_layout", "NHWC");
}

void wrap_output(Graph& graph, NodeId id) {
  const ValueId y = graph.node(id).output();
  const Node& n = graph.node(id);
  // The node gets a new output, so that the old one can mean the same as before.
  const ValueId moved = emit(graph, n.op, n.name, n.inputs, n.attrs, graph.value(y).name + "_nhwc");
  replace_value(
      graph, y,
      add_transpose(graph, moved, to_channels_first(kImageRank), graph.node(graph.value(moved).producer).name));
}

bool wrap(Graph& graph, NodeId id, const Upstream& upstream) {
  const Node& n = graph.node(id);
  if (!is_candidate(graph, n)) return false;
  if (n.op == kFusedConv) {
    wrap_conv(graph, id, upstream);
  } else {
    if (has_few_channels(graph, n.input(0)) && !upstream.has_image(n.input(0))) return false;
    const ValueId moved = channels_last(graph, n.input(0), n.name);
    graph.node(id).inputs[0] = moved;
    graph.node(id).attrs.set("layout", "NHWC");
  }
  wrap_output(graph, id);
  return true;
}

/// A lone convolution is not worth the Transposes around it.
bool pays(const Graph& graph) {
  int convolutions = 0;
  for (NodeId id = 0; id < graph.num_node_ids(); ++id) {
    const Node& n = graph.node(id);
    if (n.alive && n.op == kFusedConv && (is_candidate(graph, n) || n.attrs.has("output_layout"))) ++convolutions;
  }
  return convolutions >= 2;
}

}  // namespace

bool assign_layout(Graph& graph, const PassContext& context) {
  if (!context.channels_last || !pays(graph)) return false;
  bool changed = false;
  for (NodeId id : graph.topological_order()) changed = turn_mean_into_pool(graph, id) || changed;
  const Upstream upstream(graph);
  for (NodeId id : graph.topological_order()) changed = wrap(graph, id, upstream) || changed;
  return changed;
}

}  // namespace burnish
