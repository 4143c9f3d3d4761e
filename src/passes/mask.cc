#include "passes/mask.h"

#include <algorithm>
#include <cstring>

#include "passes/rewrite.h"

namespace burnish {
namespace {

/// Longer chains than this are left alone.
constexpr int kMaxDepth = 32;

bool only_moves(const Node& n) {
  static constexpr std::string_view kOps[] = {"Reshape", "Unsqueeze", "Squeeze", "Expand", "Identity", "Cast"};
  return std::ranges::find(kOps, n.op) != std::end(kOps);
}

bool is_all_at_least_zero(const Graph& graph, ValueId v, int depth) {
  const Node* n = graph.producer(v);
  if (n == nullptr || depth > kMaxDepth) return uniform_constant(graph, v).value_or(-1) >= 0;
  if (only_moves(*n)) return is_all_at_least_zero(graph, n->input(0), depth + 1);
  return n->op == "Range" && uniform_constant(graph, n->input(0)).value_or(-1) >= 0 &&
         uniform_constant(graph, n->input(2)).value_or(-1) > 0;
}

ValueId with_inputs(Graph& graph, const Node& original, std::vector<ValueId> inputs) {
  const Node n = original;
  return emit(graph, n.op, n.name, std::move(inputs), n.attrs, graph.value(n.output()).name + "_narrow");
}

/// A constant whose elements are all the same, as a scalar.
ValueId as_scalar(Graph& graph, ValueId v) {
  if (!uniform_constant(graph, v)) return v;
  const Tensor& t = graph.value(v).constant;
  Tensor scalar(t.dtype(), Shape{});
  std::memcpy(scalar.data(), t.data(), size_of(t.dtype()));
  return graph.add_constant(graph.value(v).name, scalar);
}

}  // namespace

bool is_all_true(const Graph& graph, ValueId value, int depth) {
  if (uniform_constant(graph, value) == 1.0) return true;
  const Node* n = graph.producer(value);
  if (n == nullptr || depth > kMaxDepth) return false;
  if (only_moves(*n)) return is_all_true(graph, n->input(0), depth + 1);
  if (n->op == "And") return is_all_true(graph, n->input(0), depth + 1) && is_all_true(graph, n->input(1), depth + 1);
  return n->op == "GreaterOrEqual" && is_all_at_least_zero(graph, n->input(0), depth + 1) &&
         uniform_constant(graph, n->input(1)).value_or(1) <= 0;
}

ValueId narrow_mask(Graph& graph, ValueId mask, int depth) {
  const Node* producer = graph.producer(mask);
  if (producer == nullptr || depth > kMaxDepth) return mask;
  const Node n = *producer;
  if (n.op == "Expand") return narrow_mask(graph, n.input(0), depth + 1);
  if (n.op == "And" && is_all_true(graph, n.input(1))) return narrow_mask(graph, n.input(0), depth + 1);
  if (n.op == "And" && is_all_true(graph, n.input(0))) return narrow_mask(graph, n.input(1), depth + 1);
  const OpDescriptor* op = find_op(n.op);
  if (op == nullptr || (op->traits & kElementwise) == 0 || n.outputs.size() != 1) return mask;
  std::vector<ValueId> inputs = n.inputs;
  bool narrower = false;
  for (ValueId& v : inputs) {
    const ValueId narrowed = v == kNoValue ? v : narrow_mask(graph, v, depth + 1);
    narrower = narrower || narrowed != v;
    v = narrowed;
  }
  if (!narrower) return mask;
  for (ValueId& v : inputs) v = v == kNoValue ? v : as_scalar(graph, v);
  return with_inputs(graph, n, std::move(inputs));
}

}  // namespace burnish
