// Removes nodes that give back their input: Identity, Dropout, operators whose parameters make them do nothing, and
// pairs that undo each other.
#include <algorithm>
#include <numeric>

#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

bool same_type(const Graph& graph, const Node& n) {
  return graph.value(n.input(0)).type.dtype == graph.value(n.output()).type.dtype;
}

/// Equal known shapes of input 0 and output 0 are all it takes.
bool keeps_shape(const Graph& graph, const Node& n) {
  return same_shape(graph, n.input(0), n.output());
}

bool is_idle_dropout(const Graph& graph, const Node& n) {
  const bool mask_read = n.output(1) != kNoValue && (graph.is_output(n.output(1)) || !graph.users(n.output(1)).empty());
  const bool inference = n.input(2) == kNoValue || uniform_constant(graph, n.input(2)) == 0.0;
  return !mask_read && inference;
}

bool is_idle_transpose(const Graph& graph, const Node& n) {
  const std::vector<int64_t> perm = perm_of(graph, n);
  return !perm.empty() && std::ranges::is_sorted(perm);
}

bool has_unit_steps(const Graph& graph, const Node& n) {
  return n.input(4) == kNoValue || uniform_constant(graph, n.input(4)) == 1.0;
}

bool pads_nothing(const Graph& graph, const Node& n) {
  const auto pads = int_constant(graph, n.input(1));
  return pads && std::ranges::all_of(*pads, [](int64_t p) { return p == 0; });
}

bool resizes_by_one(const Graph& graph, const Node& n) {
  return keeps_shape(graph, n) && uniform_constant(graph, n.input(2)) == 1.0 &&
         n.attrs.get_string("coordinate_transformation_mode", "half_pixel") != "tf_crop_and_resize";
}

/// x+0, x-0, x·1, x/1, x^1 and their logical kin: the operand that comes out unchanged.
ValueId neutral_operand(const Graph& graph, const Node& n) {
  struct Rule {
    std::string_view op;
    double neutral;
    bool commutative;
  };
  static constexpr Rule kRules[] = {{"Add", 0, true},  {"Sub", 0, false}, {"Mul", 1, true}, {"Div", 1, false},
                                    {"Pow", 1, false}, {"And", 1, true},  {"Or", 0, true},  {"Xor", 0, true}};
  const auto rule = std::ranges::find(kRules, n.op, &Rule::op);
  if (rule == std::end(kRules)) return kNoValue;
  const auto operands = split_uniform(graph, n, rule->commutative);
  if (!operands || operands->constant != rule->neutral) return kNoValue;
  const Value& kept = graph.value(operands->value);
  const bool unchanged =
      same_shape(graph, operands->value, n.output()) && kept.type.dtype == graph.value(n.output()).type.dtype;
  return unchanged ? operands->value : kNoValue;
}

/// The value that output 0 equals, or kNoValue.
ValueId unchanged_value(const Graph& graph, const Node& n) {
  if (n.inputs.empty() || n.input(0) == kNoValue || n.output() == kNoValue) return neutral_operand(graph, n);
  const bool idle =
      n.op == "Identity" || (n.op == "Dropout" && is_idle_dropout(graph, n)) ||
      (n.op == "Cast" && same_type(graph, n)) || (n.op == "Transpose" && is_idle_transpose(graph, n)) ||
      (is_one_of(n.op, {"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Expand"}) && keeps_shape(graph, n)) ||
      (n.op == "Tile" && keeps_shape(graph, n)) ||
      (n.op == "Slice" && keeps_shape(graph, n) && has_unit_steps(graph, n)) ||
      (n.op == "Pad" && pads_nothing(graph, n)) || (n.op == "Resize" && resizes_by_one(graph, n)) ||
      (is_one_of(n.op, {"Concat", "Sum", "Max", "Min", "Mean"}) && n.inputs.size() == 1);
  return idle ? n.input(0) : neutral_operand(graph, n);
}

/// Every value of the first type has an exact counterpart in the second.
bool is_lossless(DType from, DType to) {
  if (from == to || from == DType::kBool) return true;
  if (from == DType::kFloat32) return to == DType::kFloat64;
  if (from == DType::kFloat16 || from == DType::kBFloat16) return to == DType::kFloat32 || to == DType::kFloat64;
  if (!is_integer(from)) return false;
  const bool wider = size_of(to) > size_of(from);
  if (is_integer(to)) return wider && (is_signed_integer(to) || !is_signed_integer(from));
  return (to == DType::kFloat64 && size_of(from) <= 4) || (to == DType::kFloat32 && size_of(from) <= 2);
}

/// Cast(Cast(x)) whose first step loses nothing reads x.
bool skip_first_cast(Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  const Node* first = n.op == "Cast" ? producer_if(graph, n.input(0), "Cast") : nullptr;
  if (first == nullptr || first->input(0) == kNoValue) return false;
  const DType from = graph.value(first->input(0)).type.dtype;
  const DType through = graph.value(n.input(0)).type.dtype;
  // Bool keeps only whether a number is zero, so leaving it out is never exact unless it came from bool.
  if (!is_lossless(from, through)) return false;
  graph.node(id).inputs[0] = first->input(0);
  return true;
}

/// Transpose(Transpose(x)) becomes one.
bool join_transposes(Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  const Node* first = n.op == "Transpose" ? producer_if(graph, n.input(0), "Transpose") : nullptr;
  if (first == nullptr) return false;
  const std::vector<int64_t> inner = perm_of(graph, *first);
  std::vector<int64_t> perm = perm_of(graph, n);
  if (inner.empty() || inner.size() != perm.size()) return false;
  for (int64_t& p : perm) p = inner[static_cast<size_t>(p)];
  const ValueId source = first->input(0);
  graph.node(id).inputs[0] = source;
  graph.node(id).attrs.set("perm", perm);
  return true;
}

}  // namespace

bool eliminate_identities(Graph& graph, const PassContext& /*context*/) {
  bool changed = false;
  for (NodeId id : graph.topological_order()) {
    if (skip_first_cast(graph, id) || join_transposes(graph, id)) changed = true;
    const ValueId same = unchanged_value(graph, graph.node(id));
    if (same == kNoValue) continue;
    replace_value(graph, graph.node(id).output(), same);
    changed = true;
  }
  return changed;
}

}  // namespace burnish
