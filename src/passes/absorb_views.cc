// Slices and transposes in front of elementwise steps become the way in which these read: nothing is copied. A slice of
// a transpose that something else reads becomes one such step itself.
#include <algorithm>

#include "ops/data_movement.h"
#include "ops/fused.h"
#include "ops/views.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

/// One axis and step 1, of constant size.
std::optional<ViewStep> slice_step(const Graph& graph, const Node& n) {
  const SymShape* shape = shape_of(graph, n.input(0));
  const auto starts = int_constant(graph, n.input(1)), ends = int_constant(graph, n.input(2));
  if (shape == nullptr || !starts || !ends || starts->size() != 1 || ends->size() != 1) return std::nullopt;
  const auto axes = n.input(3) == kNoValue ? std::vector<int64_t>{0} : int_constant(graph, n.input(3));
  const auto steps = n.input(4) == kNoValue ? std::vector<int64_t>{1} : int_constant(graph, n.input(4));
  if (!axes || axes->size() != 1 || !steps || *steps != std::vector<int64_t>{1}) return std::nullopt;
  const auto rank = static_cast<int64_t>(shape->size());
  const int64_t axis = (*axes)[0] < 0 ? (*axes)[0] + rank : (*axes)[0];
  const Dim& size = (*shape)[static_cast<size_t>(axis)];
  if (!size.is_constant()) return std::nullopt;
  const SliceRange range = slice_range(size.value(), (*starts)[0], (*ends)[0], 1);
  return ViewStep{{}, static_cast<int>(axis), range.start, range.length};
}

std::optional<ViewStep> step_of(const Graph& graph, const Node& n) {
  if (n.op == "Transpose") return ViewStep{perm_of(graph, n)};
  return n.op == "Slice" ? slice_step(graph, n) : std::nullopt;
}

/// The value behind all transposes and slices in front of v, and the way back. Empty text: v itself.
struct Source {
  ValueId value;
  std::string view;
};
Source look_through(const Graph& graph, ValueId v) {
  Source source{v, ""};
  for (const Node* n = graph.producer(v); n != nullptr && n->outputs.size() == 1; n = graph.producer(source.value)) {
    const auto step = is_float(graph, n->input(0)) ? step_of(graph, *n) : std::nullopt;
    if (!step) break;
    source.view = source.view.empty() ? to_string(*step) : to_string(*step) + ";" + source.view;
    source.value = n->input(0);
  }
  return source;
}

bool absorb(Graph& graph, NodeId id) {
  std::vector<ValueId> inputs = graph.node(id).inputs;
  std::vector<std::string> views = views_of(graph.node(id).attrs, static_cast<int>(inputs.size()));
  bool changed = false;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Source source = look_through(graph, inputs[i]);
    if (source.view.empty() || !views[i].empty()) continue;
    inputs[i] = source.value;
    views[i] = source.view;
    changed = true;
  }
  if (!changed) return false;
  graph.node(id).inputs = std::move(inputs);
  graph.node(id).attrs.set("views", std::move(views));
  return true;
}

/// A slice that would have to wait for a transpose.
bool make_pointwise(Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  if (n.op != "Slice" || !is_float(graph, n.output()) || !slice_step(graph, n)) return false;
  const Source source = look_through(graph, n.output());
  if (source.view.find("perm") == std::string::npos) return false;
  AttributeMap attrs;
  attrs.set("program", std::vector<std::string>{"none i0"});
  attrs.set("views", std::vector<std::string>{source.view});
  const ValueId y = n.output();
  replace_value(graph, y, emit(graph, std::string(kPointwise), n.name, {source.value}, attrs, graph.value(y).name));
  return true;
}

}  // namespace

bool absorb_views(Graph& graph, const PassContext& context) {
  if (!context.strided_reads) return false;
  int count = 0;
  for (NodeId id : graph.topological_order()) {
    if (graph.node(id).alive && graph.node(id).op == kPointwise) count += absorb(graph, id) ? 1 : 0;
  }
  graph.remove_dead_nodes();  // slices that nobody reads any more
  for (NodeId id : graph.topological_order()) {
    if (graph.node(id).alive) count += make_pointwise(graph, id) ? 1 : 0;
  }
  if (count > 0) context.count("view read in place", count);
  return count > 0;
}

}  // namespace burnish
