// Makes one FusedAttention of softmax(scale·Q·Kᵀ + mask)·V with its head-split and head-merge transposes, as both
// PyTorch exporters write it: the scale on the scores or its root on Q and on K, the mask added or filled in with
// Where, a guard that turns the NaN rows of fully masked queries into zeros.
#include <cmath>

#include "ops/fused.h"
#include "passes/mask.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

/// From this on a fill value cannot be told from minus infinity: adding a score to it does not change it.
constexpr double kNoAttention = -1e9;

using Perm = std::vector<int64_t>;

struct Attention {
  ValueId q = kNoValue, k = kNoValue, v = kNoValue;  ///< [B, S, H, D] and [B, T, H, D or E]
  double scale = 1;
  ValueId added = kNoValue;      ///< Mask that is added.
  ValueId condition = kNoValue;  ///< Of a mask that is filled in …
  double fill = 0;               ///< … with this …
  bool fill_where = true;        ///< … where the condition is this.
  bool zero_masked_rows = false;
  std::vector<std::string> names;
};

/// Looks through Mul and Div by a number, collecting the factor.
ValueId peel_scale(const Graph& graph, ValueId v, Attention& a) {
  const Node* n = graph.producer(v);
  if (n == nullptr || (n->op != "Mul" && n->op != "Div") || !is_used_once(graph, v)) return v;
  const auto operands = split_uniform(graph, *n, n->op == "Mul");
  if (!operands || operands->constant == 0 || !same_shape(graph, operands->value, v)) return v;
  a.scale *= n->op == "Mul" ? operands->constant : 1 / operands->constant;
  return peel_scale(graph, operands->value, a);
}

/// For Transpose(t, perm) that only this attention reads: t, of rank 4 with known heads.
ValueId split_heads(const Graph& graph, ValueId v, const Perm& perm) {
  const Node* n = producer_if(graph, v, "Transpose");
  if (n == nullptr || perm_of(graph, *n) != perm) return kNoValue;
  const SymShape* shape = shape_of(graph, n->input(0));
  const bool known = shape != nullptr && shape->size() == 4 && (*shape)[2].is_constant() && (*shape)[3].is_constant();
  return known ? n->input(0) : kNoValue;
}

/// scale·Q·Kᵀ
bool match_scores(const Graph& graph, ValueId scores, Attention& a) {
  const Node* product = producer_if(graph, peel_scale(graph, scores, a), "MatMul");
  if (product == nullptr || !is_used_once(graph, product->output())) return false;
  a.q = split_heads(graph, peel_scale(graph, product->input(0), a), {0, 2, 1, 3});
  a.k = split_heads(graph, peel_scale(graph, product->input(1), a), {0, 2, 3, 1});
  a.names.push_back(product->name);
  return a.q != kNoValue && a.k != kNoValue;
}

bool match_added_mask(const Graph& graph, const Node& sum, Attention& a) {
  for (int i = 0; i < 2; ++i) {
    Attention attempt = a;
    attempt.added = sum.input(1 - i);
    if (!is_float(graph, attempt.added) || !same_shape(graph, sum.input(i), sum.output())) continue;
    if (!is_used_once(graph, sum.input(i)) || !match_scores(graph, sum.input(i), attempt)) continue;
    a = attempt;
    return true;
  }
  return false;
}

bool match_filled_mask(const Graph& graph, const Node& where, Attention& a) {
  for (int i = 1; i <= 2; ++i) {
    const auto fill = uniform_constant(graph, where.input(i));
    const ValueId scores = where.input(3 - i);
    if (!fill || *fill > kNoAttention || !same_shape(graph, scores, where.output())) continue;
    if (!is_used_once(graph, scores) || !match_scores(graph, scores, a)) return false;
    a.condition = where.input(0);
    a.fill = *fill;
    a.fill_where = i == 1;
    return true;
  }
  return false;
}

bool match_masked_scores(const Graph& graph, ValueId v, Attention& a) {
  const Node* n = graph.producer(v);
  if (n == nullptr || !is_used_once(graph, v)) return false;
  if (n->op == "Add" && match_added_mask(graph, *n, a)) return true;
  if (n->op == "Where" && match_filled_mask(graph, *n, a)) return true;
  return match_scores(graph, v, a);
}

/// Where(IsNaN(p), 0, p) gives p and sets the flag.
ValueId peel_guard(const Graph& graph, ValueId v, Attention& a) {
  const Node* where = producer_if(graph, v, "Where");
  const Node* test = where != nullptr ? producer_if(graph, where->input(0), "IsNaN") : nullptr;
  if (test == nullptr || test->input(0) != where->input(2) || uniform_constant(graph, where->input(1)) != 0.0) return v;
  if (!is_used_once(graph, where->input(0)) || graph.users(test->input(0)).size() != 2) return v;
  a.zero_masked_rows = true;
  return test->input(0);
}

bool can_join_heads(const Graph& graph, ValueId v) {
  const SymShape& s = *shape_of(graph, v);
  return reshape_target(s, {s[0], s[1], s[2] * s[3]}).has_value();
}

bool dims_agree(const Graph& graph, const Attention& a) {
  const SymShape& q = *shape_of(graph, a.q);
  const SymShape& k = *shape_of(graph, a.k);
  const SymShape& v = *shape_of(graph, a.v);
  return q[0] == k[0] && k[0] == v[0] && q[2] == k[2] && k[2] == v[2] && q[3] == k[3] && k[1] == v[1];
}

std::optional<Attention> match(const Graph& graph, const Node& n) {
  if (n.op != "MatMul" || !is_float(graph, n.output())) return std::nullopt;
  Attention a;
  const ValueId probabilities = n.input(0);
  if (!is_used_once(graph, probabilities)) return std::nullopt;
  const Node* softmax = producer_if(graph, peel_guard(graph, probabilities, a), "Softmax");
  if (softmax == nullptr || axis_of(graph, *softmax, -1) != 3 || rank_of(graph, softmax->output()) != 4)
    return std::nullopt;
  if (!a.zero_masked_rows && !is_used_once(graph, softmax->output())) return std::nullopt;
  if (graph.is_output(softmax->output()) || !match_masked_scores(graph, softmax->input(0), a)) return std::nullopt;
  a.v = split_heads(graph, n.input(1), {0, 2, 1, 3});
  if (a.v == kNoValue || !dims_agree(graph, a)) return std::nullopt;
  if (!can_join_heads(graph, a.q) || !can_join_heads(graph, a.k) || !can_join_heads(graph, a.v)) return std::nullopt;
  a.names.push_back(softmax->name);
  a.names.push_back(n.name);
  return a;
}

/// [B, S, H, D] seen as [B, S, H·D].
ValueId with_joined_heads(Graph& graph, ValueId v) {
  const SymShape s = *shape_of(graph, v);
  return add_reshape(graph, v, {s[0], s[1], s[2] * s[3]}, "");
}

ValueId make_mask(Graph& graph, const Attention& a) {
  if (a.added != kNoValue) return narrow_mask(graph, a.added);
  if (a.condition == kNoValue) return kNoValue;
  const ValueId fill = add_scalar(graph, "masked", static_cast<float>(a.fill));
  const ValueId zero = add_scalar(graph, "kept", 0.0F);
  const ValueId condition = narrow_mask(graph, a.condition);
  return emit(graph, "Where", "", {condition, a.fill_where ? fill : zero, a.fill_where ? zero : fill}, {}, "mask");
}

bool fuse(Graph& graph, NodeId id, const PassContext& context) {
  const Node& n = graph.node(id);
  const auto a = match(graph, n);
  const Node* merge = a ? single_user(graph, n.output()) : nullptr;
  if (merge == nullptr || merge->op != "Transpose" || perm_of(graph, *merge) != Perm{0, 2, 1, 3}) return false;
  const ValueId merged = merge->output();
  const auto shape = graph.value(merged).type.shape;
  if (!shape) return false;
  std::vector<ValueId> inputs;
  for (ValueId v : {a->q, a->k, a->v}) inputs.push_back(with_joined_heads(graph, v));
  inputs.push_back(make_mask(graph, *a));
  if (inputs.back() == kNoValue) inputs.pop_back();
  AttributeMap attrs;
  attrs.set("num_heads", (*shape_of(graph, a->q))[2].value());
  attrs.set("scale", static_cast<float>(a->scale));
  if (a->zero_masked_rows) attrs.set("masked_rows_zero", int64_t{1});
  const ValueId y = emit(graph, std::string(kFusedAttention), join_names(a->names), std::move(inputs), std::move(attrs),
                         graph.value(merged).name);
  const ValueId split = add_reshape(graph, y, *shape, "");
  replace_value(graph, merged, split);
  graph.remove_dead_nodes();
  context.count(a->added != kNoValue || a->condition != kNoValue ? "Attention (masked)" : "Attention");
  return true;
}

}  // namespace

bool fuse_attention(Graph& graph, const PassContext& context) {
  bool changed = false;
  for (NodeId id : graph.topological_order()) {
    if (graph.node(id).alive) changed = fuse(graph, id, context) || changed;
  }
  return changed;
}

}  // namespace burnish
