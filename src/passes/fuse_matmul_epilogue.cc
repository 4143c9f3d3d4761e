// MatMul and Gemm become FusedMatMul and absorb a transposed operand, a scale, the bias, the activation and the
// residual addition around them.
#include <algorithm>

#include "passes/epilogue.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

struct Product {
  ValueId a = kNoValue;
  ValueId w = kNoValue;
  ValueId bias = kNoValue;      ///< A value of shape [N] …
  std::vector<float> constant;  ///< … or its elements when constant; empty without a bias.
  bool trans_a = false;
  bool trans_w = false;
  float alpha = 1;
  Dim columns;  ///< N
};

bool swaps_last_two(const std::vector<int64_t>& perm) {
  const size_t n = perm.size();
  if (n < 2) return false;
  for (size_t i = 0; i + 2 < n; ++i) {
    if (perm[i] != static_cast<int64_t>(i)) return false;
  }
  return perm[n - 2] == static_cast<int64_t>(n - 1) && perm[n - 1] == static_cast<int64_t>(n - 2);
}

/// Reads through a Transpose of the last two dimensions whose result nobody else needs.
void absorb_transpose(const Graph& graph, ValueId& operand, bool& transposed) {
  const Node* t = producer_if(graph, operand, "Transpose");
  if (t == nullptr || !swaps_last_two(perm_of(graph, *t)) || !is_used_once(graph, operand)) return;
  operand = t->input(0);
  transposed = !transposed;
}

/// The elements of a constant that adds to columns: one number, or [N] with only ones before it.
std::optional<std::vector<float>> column_constant(const Graph& graph, ValueId v, const Dim& columns) {
  if (!is_float(graph, v) || !graph.value(v).is_constant() || !columns.is_constant()) return std::nullopt;
  const Tensor& t = graph.value(v).constant;
  const int64_t n = columns.value();
  if (t.num_elements() == 1) return std::vector<float>(static_cast<size_t>(n), *t.as<float>());
  if (t.shape().rank() == 0 || t.num_elements() != n || t.shape().back() != n) return std::nullopt;
  return std::vector<float>(t.as<float>(), t.as<float>() + n);
}

/// Gemm's C: false when it is neither a bias by column nor absent.
bool read_gemm_bias(const Graph& graph, const Node& gemm, Product& p) {
  if (gemm.input(2) == kNoValue) return true;
  const float beta = gemm.attrs.get_float("beta", 1.0F);
  if (const auto c = column_constant(graph, gemm.input(2), p.columns)) {
    p.constant = *c;
    std::ranges::for_each(p.constant, [beta](float& v) { v *= beta; });
    return true;
  }
  const SymShape* shape = shape_of(graph, gemm.input(2));
  if (beta != 1.0F || shape == nullptr || shape->size() != 1 || !((*shape)[0] == p.columns)) return false;
  p.bias = gemm.input(2);
  return true;
}

std::optional<Product> read_product(const Graph& graph, const Node& n) {
  const SymShape* y = shape_of(graph, n.output());
  if (!is_float(graph, n.input(0)) || !is_float(graph, n.input(1)) || y == nullptr) return std::nullopt;
  if (rank_of(graph, n.input(0)) < 2 || rank_of(graph, n.input(1)) < 2) return std::nullopt;
  Product p;
  p.a = n.input(0);
  p.w = n.input(1);
  p.columns = y->back();
  if (n.op == "Gemm") {
    p.trans_a = n.attrs.get_int("transA", 0) != 0;
    p.trans_w = n.attrs.get_int("transB", 0) != 0;
    p.alpha = n.attrs.get_float("alpha", 1.0F);
    if (!read_gemm_bias(graph, n, p)) return std::nullopt;
  }
  absorb_transpose(graph, p.a, p.trans_a);
  absorb_transpose(graph, p.w, p.trans_w);
  return p;
}

bool take_scale(const Graph& graph, const Node& next, Product& p) {
  const auto operands = split_uniform(graph, next, next.op == "Mul");
  if (!operands || p.bias != kNoValue || (next.op != "Mul" && (next.op != "Div" || operands->constant == 0)))
    return false;
  const double factor = next.op == "Mul" ? operands->constant : 1.0 / operands->constant;
  p.alpha = static_cast<float>(p.alpha * factor);
  std::ranges::for_each(p.constant, [factor](float& v) { v = static_cast<float>(v * factor); });
  return true;
}

bool take_bias(const Graph& graph, const Node& next, ValueId y, Product& p) {
  if (p.bias != kNoValue || (next.op != "Add" && next.op != "Sub") || (next.op == "Sub" && next.input(0) != y))
    return false;
  const ValueId other = next.input(0) == y ? next.input(1) : next.input(0);
  const auto c = column_constant(graph, other, p.columns);
  if (!c) return false;
  if (p.constant.empty()) p.constant.assign(c->size(), 0.0F);
  for (size_t i = 0; i < c->size(); ++i) p.constant[i] += next.op == "Add" ? (*c)[i] : -(*c)[i];
  return true;
}

/// Scale and bias by column, before any activation or residual.
bool extend_linear(const Graph& graph, Product& p, Epilogue& e) {
  const Node* next = single_user(graph, e.result);
  if (next == nullptr || !e.is_plain() || !same_shape(graph, e.result, next->output())) return false;
  if (!take_scale(graph, *next, p) && !take_bias(graph, *next, e.result, p)) return false;
  e.names.push_back(next->name);
  e.kind += "+" + next->op;
  e.result = next->output();
  return true;
}

AttributeMap attributes_of(const Product& p, const Epilogue& e) {
  AttributeMap attrs;
  if (p.trans_a) attrs.set("transA", int64_t{1});
  if (p.trans_w) attrs.set("transB", int64_t{1});
  if (p.alpha != 1.0F) attrs.set("alpha", p.alpha);
  set_epilogue(attrs, e);
  return attrs;
}

bool fuse(Graph& graph, NodeId id, const PassContext& context) {
  const Node& n = graph.node(id);
  auto product = read_product(graph, n);
  if (!product) return false;
  const std::string op = n.op;
  Epilogue e;
  e.names = {n.name};
  e.result = n.output();
  while (extend_linear(graph, *product, e)) {
  }
  while (extend(graph, e)) {
  }
  const std::string base = graph.value(e.result).name;
  if (!product->constant.empty()) {
    const auto columns = static_cast<int64_t>(product->constant.size());
    product->bias = add_floats(graph, base + "_bias", product->constant, Shape{columns});
  }
  std::vector<ValueId> inputs = {product->a, product->w, product->bias, e.residual_value};
  while (inputs.back() == kNoValue) inputs.pop_back();
  const ValueId y =
      emit(graph, std::string(kFusedMatMul), join_names(e.names), std::move(inputs), attributes_of(*product, e), base);
  if (!e.kind.empty()) context.count(op + e.kind);
  graph.replace_all_uses(e.result, y);
  graph.remove_dead_nodes();
  return true;
}

}  // namespace

bool fuse_matmul_epilogue(Graph& graph, const PassContext& context) {
  std::vector<NodeId> order = graph.topological_order();
  // Backwards, so that of two products that are added the later one takes the addition.
  std::ranges::reverse(order);
  bool changed = false;
  for (NodeId id : order) {
    if (!graph.node(id).alive) continue;
    if (graph.node(id).op == "MatMul" || graph.node(id).op == "Gemm") changed = fuse(graph, id, context) || changed;
  }
  return changed;
}

}  // namespace burnish
