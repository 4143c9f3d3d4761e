// Views have one form: a Reshape with a constant target. Flatten, Squeeze, Unsqueeze and Transposes that only move
// dimensions of one element become one; chains of Reshapes become one; a Reshape that only joins dimensions for a
// Transpose and splits them again behind it goes away. Slices are chosen before transposing, not behind.
#include <algorithm>

#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

bool moves_only_ones(const SymShape& shape, const std::vector<int64_t>& perm) {
  int64_t last = -1;
  for (int64_t p : perm) {
    if (shape[static_cast<size_t>(p)].is(1)) continue;
    if (p < last) return false;
    last = p;
  }
  return true;
}

bool is_view(const Graph& graph, const Node& n) {
  if (n.op == "Flatten" || n.op == "Squeeze" || n.op == "Unsqueeze") return true;
  if (n.op != "Transpose") return false;
  const SymShape* shape = shape_of(graph, n.input(0));
  const std::vector<int64_t> perm = perm_of(graph, n);
  return shape != nullptr && perm.size() == shape->size() && !std::ranges::is_sorted(perm) &&
         moves_only_ones(*shape, perm);
}

bool turn_into_reshape(Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  if (!is_view(graph, n)) return false;
  const SymShape* from = shape_of(graph, n.input(0));
  const SymShape* to = shape_of(graph, n.output());
  const auto target = from != nullptr && to != nullptr ? reshape_target(*from, *to) : std::nullopt;
  if (!target) return false;
  const ValueId input = n.input(0);
  const ValueId shape = add_ints(graph, graph.value(n.output()).name + "_shape", *target);
  Node& node = graph.node(id);
  node.op = "Reshape";
  node.attrs = {};
  node.inputs = {input, shape};
  return true;
}

/// Reshape(Reshape(x)) reads x.
bool join_reshapes(Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  const Node* first = n.op == "Reshape" ? producer_if(graph, n.input(0), "Reshape") : nullptr;
  if (first == nullptr) return false;
  const ValueId source = first->input(0);
  const SymShape* from = shape_of(graph, source);
  const SymShape* to = shape_of(graph, n.output());
  const auto target = from != nullptr && to != nullptr ? reshape_target(*from, *to) : std::nullopt;
  if (!target) return false;
  const ValueId shape = add_ints(graph, graph.value(n.output()).name + "_shape", *target);
  graph.node(id).inputs = {source, shape};
  graph.node(id).attrs.erase("allowzero");
  return true;
}

/// For each joined dimension the range of original dimensions it is made of; empty when they do not line up.
std::vector<std::pair<size_t, size_t>> groups_of(const SymShape& parts, const SymShape& joined) {
  std::vector<std::pair<size_t, size_t>> groups;
  size_t next = 0;
  for (const Dim& whole : joined) {
    const size_t begin = next;
    Dim product = 1;
    while (next < parts.size() && (next == begin || !(product == whole))) product = product * parts[next++];
    if (!(product == whole)) return {};
    groups.emplace_back(begin, next);
  }
  return next == parts.size() ? groups : std::vector<std::pair<size_t, size_t>>{};
}

/// The Transpose of `parts` that equals joining them to `joined`, transposing, and splitting to `result`; empty when
/// none does.
std::vector<int64_t> perm_of_parts(const SymShape& parts, const SymShape& joined, const std::vector<int64_t>& perm,
                                   const SymShape& result) {
  const auto groups = groups_of(parts, joined);
  if (groups.empty() || parts.size() != result.size()) return {};
  std::vector<int64_t> expanded;
  for (int64_t p : perm) {
    const auto [begin, end] = groups[static_cast<size_t>(p)];
    for (size_t i = begin; i < end; ++i) expanded.push_back(static_cast<int64_t>(i));
  }
  for (size_t i = 0; i < expanded.size(); ++i) {
    if (!(parts[static_cast<size_t>(expanded[i])] == result[i])) return {};
  }
  return expanded;
}

/// Reshape(Transpose(Reshape(x))) where the first joins neighbouring dimensions and the last splits the same ones is
/// one Transpose.
bool absorb_joining_reshapes(Graph& graph, NodeId id) {
  const Node& last = graph.node(id);
  const Node* transpose = last.op == "Reshape" ? producer_if(graph, last.input(0), "Transpose") : nullptr;
  const Node* first = transpose != nullptr ? producer_if(graph, transpose->input(0), "Reshape") : nullptr;
  if (first == nullptr || !is_used_once(graph, last.input(0))) return false;
  const SymShape* parts = shape_of(graph, first->input(0));
  const SymShape* joined = shape_of(graph, first->output());
  const SymShape* result = shape_of(graph, last.output());
  if (parts == nullptr || joined == nullptr || result == nullptr) return false;
  const std::vector<int64_t> perm = perm_of_parts(*parts, *joined, perm_of(graph, *transpose), *result);
  if (perm.empty()) return false;
  const ValueId source = first->input(0);
  Node& node = graph.node(id);
  node.op = "Transpose";
  node.inputs = {source};
  node.attrs = {};
  node.attrs.set("perm", perm);
  return true;
}

bool chooses_one(const Graph& graph, const Node& n) {
  return n.op == "Gather" && rank_of(graph, n.input(1)) == 0 && axis_of(graph, n, 0) >= 0;
}

/// Gather(Transpose(x), one index) becomes Transpose(Gather(x)), where that moves less: when the transposed tensor is
/// only there to choose slices of it.
bool choose_before_transpose(Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  const Node* t = chooses_one(graph, n) ? producer_if(graph, n.input(0), "Transpose") : nullptr;
  if (t == nullptr || graph.is_output(t->output())) return false;
  const std::vector<NodeId> users = graph.users(t->output());
  if (!std::ranges::all_of(users, [&](NodeId u) { return chooses_one(graph, graph.node(u)); })) return false;
  std::vector<int64_t> perm = perm_of(graph, *t);
  const int64_t chosen = perm[static_cast<size_t>(axis_of(graph, n, 0))];
  std::erase(perm, chosen);
  for (int64_t& p : perm) p -= p > chosen ? 1 : 0;
  AttributeMap attrs;
  attrs.set("axis", chosen);
  const ValueId y = n.output();
  const ValueId slice = emit(graph, "Gather", n.name, {t->input(0), n.input(1)}, std::move(attrs), graph.value(y).name);
  replace_value(graph, y, add_transpose(graph, slice, perm, ""));
  return true;
}

}  // namespace

bool canonicalise_views(Graph& graph, const PassContext& /*context*/) {
  bool changed = false;
  for (NodeId id : graph.topological_order()) {
    if (!graph.node(id).alive) continue;
    if (choose_before_transpose(graph, id)) {
      changed = true;
      continue;
    }
    changed = turn_into_reshape(graph, id) || changed;
    changed = join_reshapes(graph, id) || changed;
    changed = absorb_joining_reshapes(graph, id) || changed;
  }
  return changed;
}

}  // namespace burnish
