// Conv becomes FusedConv and absorbs the activation and the residual addition behind it. Biases have been folded by
// fold_batch_norm before.
#include <algorithm>

#include "passes/epilogue.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

/// Everything explicit, as FusedConv wants it; nullopt when the padding depends on unknown sizes.
std::optional<AttributeMap> explicit_attributes(const Graph& graph, const Node& conv) {
  const SymShape* w = shape_of(graph, conv.input(1));
  const int rank = rank_of(graph, conv.input(0));
  if (w == nullptr || rank < 3 || rank > 5 || static_cast<int>(w->size()) != rank) return std::nullopt;
  const auto spatial = static_cast<size_t>(rank - 2);
  const std::string mode = conv.attrs.get_string("auto_pad", "NOTSET");
  if (mode != "NOTSET" && mode != "VALID" && !mode.empty()) return std::nullopt;
  std::vector<int64_t> kernel;
  for (size_t i = 2; i < w->size(); ++i) {
    if (!(*w)[i].is_constant()) return std::nullopt;
    kernel.push_back((*w)[i].value());
  }
  AttributeMap attrs;
  attrs.set("kernel_shape", kernel);
  attrs.set("strides", conv.attrs.get_ints("strides", std::vector<int64_t>(spatial, 1)));
  attrs.set("dilations", conv.attrs.get_ints("dilations", std::vector<int64_t>(spatial, 1)));
  const std::vector<int64_t> none(2 * spatial, 0);
  attrs.set("pads", mode == "VALID" ? none : conv.attrs.get_ints("pads", none));
  attrs.set("group", conv.attrs.get_int("group", 1));
  return attrs;
}

bool fuse(Graph& graph, NodeId id, const PassContext& context) {
  const Node& conv = graph.node(id);
  if (!is_float(graph, conv.input(0)) || !is_float(graph, conv.input(1))) return false;
  auto attrs = explicit_attributes(graph, conv);
  if (!attrs) return false;
  Epilogue e;
  e.names = {conv.name};
  e.result = conv.output();
  while (extend(graph, e)) {
  }
  set_epilogue(*attrs, e);
  std::vector<ValueId> inputs = {conv.input(0), conv.input(1), conv.input(2)};
  if (e.residual != Residual::kNone) inputs.push_back(e.residual_value);
  while (inputs.back() == kNoValue) inputs.pop_back();
  const ValueId y = emit(graph, std::string(kFusedConv), join_names(e.names), std::move(inputs), std::move(*attrs),
                         graph.value(e.result).name);
  if (!e.is_plain()) context.count("Conv" + e.kind);
  graph.replace_all_uses(e.result, y);
  graph.remove_dead_nodes();
  return true;
}

}  // namespace

bool fuse_conv_epilogue(Graph& graph, const PassContext& context) {
  std::vector<NodeId> order = graph.topological_order();
  // Backwards, so that of two convolutions whose results are added the later one takes the addition.
  std::ranges::reverse(order);
  bool changed = false;
  for (NodeId id : order) {
    if (!graph.node(id).alive) continue;
    if (graph.node(id).op == "Conv") changed = fuse(graph, id, context) || changed;
  }
  return changed;
}

}  // namespace burnish
