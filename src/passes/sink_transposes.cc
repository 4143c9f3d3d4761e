// Moves Transposes behind the nodes that read them, so that they meet their inverses and cancel. A node that reads
// Transpose(x) reads x instead, with its axes, constants and targets rewritten, and its result is transposed.
#include <algorithm>
#include <numeric>

#include "passes/layout.h"
#include "passes/pass.h"
#include "passes/reshape_order.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

using Perm = std::vector<int64_t>;

/// The Transpose in front of a value, or nullptr.
const Node* transpose_of(const Graph& graph, ValueId v) {
  return producer_if(graph, v, "Transpose");
}

/// Transposes between the layouts of images move even where the original has more readers: it dies with the last.
bool may_move(const Graph& graph, const Node& transpose, const Perm& perm) {
  return perm == to_channels_first(static_cast<int>(perm.size())) || is_used_once(graph, transpose.output());
}

/// The common permutation of the transposed inputs; empty when there is none or they differ.
Perm common_perm(const Graph& graph, const Node& n) {
  Perm perm;
  for (ValueId v : n.inputs) {
    const Node* t = transpose_of(graph, v);
    if (t == nullptr) continue;
    const Perm p = perm_of(graph, *t);
    if (p.empty() || !may_move(graph, *t, p) || (!perm.empty() && p != perm)) return {};
    perm = p;
  }
  return perm;
}

bool is_reduction(const Node& n) {
  return n.op.starts_with("Reduce");
}

// --- the operands -------------------------------------------------------------------------------------------------
bool all_readers_undo(const Graph& graph, ValueId v, const Perm& perm) {
  if (graph.is_output(v)) return false;
  const std::vector<NodeId> users = graph.users(v);
  return !users.empty() && std::ranges::all_of(users, [&](NodeId id) {
    return graph.node(id).op == "Transpose" && perm_of(graph, graph.node(id)) == inverse(perm);
  });
}

/// At most one dimension has more than one element, so that transposing is free.
bool is_vector_like(const Graph& graph, ValueId v) {
  const SymShape* shape = shape_of(graph, v);
  return shape != nullptr &&
         std::ranges::count_if(*shape, [](const Dim& d) { return !d.is(1); }) <= 1 + ((*shape)[0].is(1) ? 0 : 1);
}

/// How an operand of an elementwise node or a Concat takes part in moving a Transpose.
bool can_follow(const Graph& graph, const Node& n, ValueId v, const Perm& perm) {
  if (v == kNoValue || transpose_of(graph, v) != nullptr) return true;
  const int rank = rank_of(graph, v);
  if (graph.value(v).is_constant()) return rank >= 0 && rank <= static_cast<int>(perm.size());
  if (rank == 0) return true;
  if (rank != static_cast<int>(perm.size())) return false;
  return is_vector_like(graph, v) || all_readers_undo(graph, n.output(), perm);
}

/// The operand in the order before the Transpose.
ValueId operand_before(Graph& graph, ValueId v, const Perm& perm) {
  if (v == kNoValue) return v;
  if (const Node* t = transpose_of(graph, v)) return t->input(0);
  if (!graph.value(v).is_constant()) return rank_of(graph, v) == 0 ? v : add_transpose(graph, v, inverse(perm), "");
  if (graph.value(v).constant.num_elements() == 1 && graph.value(v).constant.shape().rank() == 0) return v;
  return graph.add_constant(graph.value(v).name, transposed_constant(graph.value(v).constant, inverse(perm)));
}

// --- the parameters -----------------------------------------------------------------------------------------------
int64_t mapped_axis(int64_t axis, const Perm& perm) {
  const auto rank = static_cast<int64_t>(perm.size());
  return perm[static_cast<size_t>(axis < 0 ? axis + rank : axis)];
}

bool axes_are_valid(const std::vector<int64_t>& axes, const Perm& perm) {
  const auto rank = static_cast<int64_t>(perm.size());
  return std::ranges::all_of(axes, [rank](int64_t a) { return a >= -rank && a < rank; });
}

std::vector<int64_t> mapped_axes(std::vector<int64_t> axes, const Perm& perm) {
  for (int64_t& a : axes) a = mapped_axis(a, perm);
  return axes;
}

/// The rewritten node: its operands and attributes, or nothing when it cannot be done.
struct Rewritten {
  std::vector<ValueId> inputs;
  AttributeMap attrs;
};

std::optional<Rewritten> rewrite_operands(Graph& graph, const Node& n, const Perm& perm) {
  if (rank_of(graph, n.output()) != static_cast<int>(perm.size())) return std::nullopt;
  if (!std::ranges::all_of(n.inputs, [&](ValueId v) { return can_follow(graph, n, v, perm); })) return std::nullopt;
  Rewritten r{n.inputs, n.attrs};
  for (ValueId& v : r.inputs) v = operand_before(graph, v, perm);
  return r;
}

/// QuantizeLinear and DequantizeLinear with one scale for the whole tensor.
bool is_quantization_per_tensor(const Graph& graph, const Node& n) {
  if (!is_one_of(n.op, {"QuantizeLinear", "DequantizeLinear"})) return false;
  const SymShape* scale = shape_of(graph, n.input(1));
  return scale != nullptr && (scale->empty() || (scale->size() == 1 && (*scale)[0].is(1)));
}

std::optional<Rewritten> rewrite_first_operand(const Graph& graph, const Node& n) {
  Rewritten r{n.inputs, n.attrs};
  r.inputs[0] = transpose_of(graph, n.input(0))->input(0);
  return r;
}

std::optional<Rewritten> rewrite_axis(Graph& graph, const Node& n, const Perm& perm, int64_t fallback) {
  const int64_t axis = n.attrs.get_int("axis", fallback);
  if (!axes_are_valid({axis}, perm)) return std::nullopt;
  std::optional<Rewritten> r;
  if (n.op == "Concat") {
    r = rewrite_operands(graph, n, perm);
  } else {
    r = rewrite_first_operand(graph, n);
  }
  if (r) r->attrs.set("axis", mapped_axis(axis, perm));
  return r;
}

/// Slice and Pad: axes is input `axes_at`, absent for all axes in order.
std::optional<Rewritten> rewrite_axes_input(Graph& graph, const Node& n, const Perm& perm, size_t axes_at) {
  std::vector<int64_t> axes(perm.size());
  std::iota(axes.begin(), axes.end(), 0);
  if (n.input(static_cast<int>(axes_at)) != kNoValue) {
    const auto given = int_constant(graph, n.input(static_cast<int>(axes_at)));
    if (!given) return std::nullopt;
    axes = *given;
  } else {
    // Without axes, the other parameters have one entry for each leading axis.
    const SymShape* entries = shape_of(graph, n.input(1));
    if (entries == nullptr || entries->size() != 1 || !(*entries)[0].is_constant()) return std::nullopt;
    const int64_t count = n.op == "Pad" ? (*entries)[0].value() / 2 : (*entries)[0].value();
    if (count < 0 || count > static_cast<int64_t>(axes.size())) return std::nullopt;
    axes.resize(static_cast<size_t>(count));
  }
  if (!axes_are_valid(axes, perm)) return std::nullopt;
  Rewritten r{n.inputs, n.attrs};
  r.inputs.resize(std::max(r.inputs.size(), axes_at + 1), kNoValue);
  r.inputs[0] = transpose_of(graph, n.input(0))->input(0);
  r.inputs[axes_at] = add_ints(graph, graph.value(n.output()).name + "_axes", mapped_axes(axes, perm));
  return r;
}

std::optional<Rewritten> rewrite_reduction(Graph& graph, const Node& n, const Perm& perm) {
  const auto axes = reduction_axes(graph, n);
  if (!axes || n.attrs.get_int("keepdims", 1) == 0) return std::nullopt;
  const std::vector<int64_t> wide(axes->begin(), axes->end());
  Rewritten r{{transpose_of(graph, n.input(0))->input(0)}, n.attrs};
  r.attrs.erase("axes");
  r.inputs.push_back(add_ints(graph, graph.value(n.output()).name + "_axes", mapped_axes(wide, perm)));
  return r;
}

/// How the node looks in front of the Transpose, for operators whose outputs are permuted like their inputs.
std::optional<Rewritten> rewrite(Graph& graph, const Node& n, const Perm& perm) {
  const OpDescriptor* op = find_op(n.op);
  if (op == nullptr || (n.outputs.size() != 1 && n.op != "Split")) return std::nullopt;
  if ((op->traits & kElementwise) != 0) return rewrite_operands(graph, n, perm);
  if (n.op == "Concat") return rewrite_axis(graph, n, perm, 0);
  if (transpose_of(graph, n.input(0)) == nullptr) return std::nullopt;
  if (is_quantization_per_tensor(graph, n)) return rewrite_first_operand(graph, n);
  if (is_one_of(n.op, {"Softmax", "LogSoftmax"})) return rewrite_axis(graph, n, perm, -1);
  if (n.op == "Split") return rewrite_axis(graph, n, perm, 0);
  if (n.op == "Slice") return rewrite_axes_input(graph, n, perm, 3);
  if (n.op == "Pad") return rewrite_axes_input(graph, n, perm, 3);
  if (is_reduction(n)) return rewrite_reduction(graph, n, perm);
  return std::nullopt;
}

bool sink_through(Graph& graph, NodeId id) {
  const Perm perm = common_perm(graph, graph.node(id));
  if (perm.empty()) return false;
  const Node before = graph.node(id);
  auto r = rewrite(graph, before, perm);
  if (!r) return false;
  std::vector<std::string> names;
  for (ValueId v : before.outputs) names.push_back(v == kNoValue ? "" : graph.value(v).name);
  const NodeId moved = graph.add_node(before.op, before.name, std::move(r->inputs), std::move(r->attrs), names);
  graph.infer_node(moved);
  for (size_t i = 0; i < before.outputs.size(); ++i) {
    if (before.outputs[i] == kNoValue) continue;
    const ValueId y = graph.node(moved).outputs[i];
    replace_value(graph, before.outputs[i], add_transpose(graph, y, perm, ""));
  }
  return true;
}

// --- Transposes and Reshapes --------------------------------------------------------------------------------------
/// Reshape(Transpose(x)) becomes Transpose(Reshape(x)). Only done for a Transpose behind it to join.
bool sink_through_reshape(Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  const Node* t = n.op == "Reshape" ? transpose_of(graph, n.input(0)) : nullptr;
  const Node* next = t != nullptr ? single_user(graph, n.output()) : nullptr;
  if (next == nullptr || next->op != "Transpose") return false;
  const SymShape* in = shape_of(graph, n.input(0));
  const SymShape* out = shape_of(graph, n.output());
  const Perm perm = perm_of(graph, *t);
  if (in == nullptr || out == nullptr || !may_move(graph, *t, perm)) return false;
  const auto swapped = transpose_after_reshape(*in, *out, perm);
  if (!swapped) return false;
  const ValueId y = n.output();
  const ValueId view = add_reshape(graph, t->input(0), swapped->shape, n.name);
  if (view == kNoValue) return false;
  replace_value(graph, y, add_transpose(graph, view, swapped->perm, ""));
  return true;
}

/// Transpose(Transpose(x)) is one, or none.
bool join(Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  const Node* first = n.op == "Transpose" ? transpose_of(graph, n.input(0)) : nullptr;
  if (first == nullptr) return false;
  const Perm inner = perm_of(graph, *first);
  Perm perm = perm_of(graph, n);
  if (inner.size() != perm.size() || perm.empty()) return false;
  for (int64_t& p : perm) p = inner[static_cast<size_t>(p)];
  const ValueId source = first->input(0);
  if (std::ranges::is_sorted(perm)) {
    replace_value(graph, n.output(), source);
  } else {
    graph.node(id).inputs[0] = source;
    graph.node(id).attrs.set("perm", perm);
  }
  return true;
}

}  // namespace

bool sink_transposes(Graph& graph, const PassContext& /*context*/) {
  bool changed = false;
  for (NodeId id : graph.topological_order()) {
    if (!graph.node(id).alive) continue;
    changed = join(graph, id) || sink_through_reshape(graph, id) || sink_through(graph, id) || changed;
  }
  return changed;
}

}  // namespace burnish
