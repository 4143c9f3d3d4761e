// Conv becomes FusedConv and absorbs the padding before it, the activation and the residual addition behind it. Biases
// have been folded by fold_batch_norm before.
#include <algorithm>

#include "ops/spatial.h"
#include "passes/epilogue.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

constexpr int64_t kMaxPad = int64_t{1} << 20;

/// The sizes of the image where they are known or, for strides of one, do not matter; nullopt otherwise.
std::optional<std::vector<int64_t>> image_sizes(const SymShape& x, const ConvGeometry& geometry) {
  constexpr int64_t kAnySize = int64_t{1} << 20;
  const bool dense = std::ranges::all_of(geometry.strides, [](int64_t s) { return s == 1; });
  std::vector<int64_t> sizes;
  for (size_t i = 2; i < x.size(); ++i) {
    if (!x[i].is_constant() && !dense) return std::nullopt;
    sizes.push_back(x[i].is_constant() ? x[i].value() : kAnySize);
  }
  return sizes;
}

/// Everything explicit, as FusedConv wants it; nullopt when the padding depends on unknown sizes.
std::optional<ConvGeometry> explicit_geometry(const Graph& graph, const Node& conv) {
  const SymShape* x = shape_of(graph, conv.input(0));
  const SymShape* w = shape_of(graph, conv.input(1));
  if (x == nullptr || w == nullptr || x->size() < 3 || x->size() > 5 || w->size() != x->size()) return std::nullopt;
  const auto window = to_concrete(SymShape(w->begin() + 2, w->end()));
  if (!window) return std::nullopt;
  ConvGeometry geometry = conv_geometry_of(conv.attrs, window->dims());
  const AutoPad mode = auto_pad_of(conv.attrs);
  if (mode == AutoPad::kSameUpper || mode == AutoPad::kSameLower) {
    const auto sizes = image_sizes(*x, geometry);
    if (!sizes) return std::nullopt;
    resolve_auto_pad(geometry, mode, *sizes);
  } else if (mode == AutoPad::kValid) {
    geometry.pads.assign(2 * window->dims().size(), 0);
  }
  return geometry;
}

/// Adds the zeros that a Pad puts around the image to the convolution's own padding, and reads through the Pad.
void absorb_pad(const Graph& graph, ValueId& x, ConvGeometry& geometry, std::vector<std::string>& names) {
  const Node* pad = producer_if(graph, x, "Pad");
  if (pad == nullptr || !is_used_once(graph, x) || pad->attrs.get_string("mode", "constant") != "constant") return;
  if (pad->input(2) != kNoValue && uniform_constant(graph, pad->input(2)) != 0.0) return;
  const auto amounts = int_constant(graph, pad->input(1));
  const size_t spatial = geometry.kernel.size();
  if (pad->input(3) != kNoValue || !amounts || amounts->size() != 2 * (spatial + 2)) return;
  const auto around = [&](size_t side, size_t dim) { return (*amounts)[side * (spatial + 2) + dim]; };
  if (around(0, 0) != 0 || around(0, 1) != 0 || around(1, 0) != 0 || around(1, 1) != 0) return;
  if (std::ranges::any_of(*amounts, [](int64_t a) { return a < 0 || a > kMaxPad; })) return;
  for (size_t i = 0; i < spatial; ++i) {
    geometry.pads[i] += around(0, i + 2);
    geometry.pads[spatial + i] += around(1, i + 2);
  }
  names.insert(names.begin(), pad->name);
  x = pad->input(0);
}

AttributeMap attributes_of(const ConvGeometry& geometry, const Epilogue& epilogue) {
  AttributeMap attrs;
  attrs.set("kernel_shape", geometry.kernel);
  attrs.set("strides", geometry.strides);
  attrs.set("dilations", geometry.dilations);
  attrs.set("pads", geometry.pads);
  attrs.set("group", geometry.group);
  set_epilogue(attrs, epilogue);
  return attrs;
}

bool fuse(Graph& graph, NodeId id, const PassContext& context) {
  const Node& conv = graph.node(id);
  if (!is_float(graph, conv.input(0)) || !is_float(graph, conv.input(1))) return false;
  auto geometry = explicit_geometry(graph, conv);
  if (!geometry) return false;
  ValueId x = conv.input(0);
  Epilogue e;
  e.names = {conv.name};
  absorb_pad(graph, x, *geometry, e.names);
  e.result = conv.output();
  while (extend(graph, e)) {
  }
  std::vector<ValueId> inputs = {x, conv.input(1), conv.input(2)};
  if (e.residual != Residual::kNone) inputs.push_back(e.residual_value);
  while (inputs.back() == kNoValue) inputs.pop_back();
  const ValueId y = emit(graph, std::string(kFusedConv), join_names(e.names), std::move(inputs),
                         attributes_of(*geometry, e), graph.value(e.result).name);
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
