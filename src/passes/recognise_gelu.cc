// Gelu in its parts: x/2·(1 + erf(x/√2)), and by tanh: x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))), in whatever order an
// exporter multiplies them.
#include <cmath>
#include <numbers>

#include "passes/factors.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

constexpr double kCubic = 0.044715;

bool near(double a, double b) {
  return std::abs(a - b) <= 1e-4 * std::abs(b);
}

/// For v = 1 + f(u): u.
ValueId argument_of_one_plus(const Graph& graph, ValueId v, std::string_view f) {
  const Node* n = producer_if(graph, added_to(graph, v, 1.0), f);
  return n != nullptr ? n->input(0) : kNoValue;
}

bool is_erf_half(const Graph& graph, ValueId v, ValueId x) {
  const ValueId u = argument_of_one_plus(graph, v, "Erf");
  return u != kNoValue && near(multiple_of(graph, u, x), 1 / std::numbers::sqrt2);
}

/// c·x³, by Pow or by products.
bool is_cube(const Graph& graph, ValueId v, ValueId x, double c) {
  const Factors f = factors_of(graph, v);
  if (!near(f.constant, c)) return false;
  if (f.values.size() == 3) return f.values == std::vector<ValueId>{x, x, x};
  if (f.values.size() == 1) {
    const Node* pow = producer_if(graph, f.values[0], "Pow");
    return pow != nullptr && pow->input(0) == x && is_constant_near(graph, pow->input(1), 3);
  }
  const Node* square = producer_if(graph, f.other_than(x), "Pow");
  return square != nullptr && square->input(0) == x && is_constant_near(graph, square->input(1), 2);
}

/// √(2/π)·(x + 0.044715·x³), also as √(2/π)·x·(1 + 0.044715·x²).
bool is_tanh_argument(const Graph& graph, ValueId u, ValueId x) {
  const Factors f = factors_of(graph, u);
  if (!near(f.constant, std::sqrt(2 / std::numbers::pi))) return false;
  if (f.values.size() == 1) {
    const Node* sum = producer_if(graph, f.values[0], "Add");
    if (sum == nullptr || sum->inputs.size() != 2) return false;
    return (sum->input(0) == x && is_cube(graph, sum->input(1), x, kCubic)) ||
           (sum->input(1) == x && is_cube(graph, sum->input(0), x, kCubic));
  }
  const ValueId square = added_to(graph, f.other_than(x), 1.0);
  if (square == kNoValue) return false;
  const Factors s = factors_of(graph, square);
  return near(s.constant, kCubic) && s.values == std::vector<ValueId>{x, x};
}

bool is_tanh_half(const Graph& graph, ValueId v, ValueId x) {
  const ValueId u = argument_of_one_plus(graph, v, "Tanh");
  return u != kNoValue && is_tanh_argument(graph, u, x);
}

struct Match {
  ValueId x = kNoValue;
  bool tanh = false;
};

std::optional<Match> match(const Graph& graph, ValueId product) {
  const Factors f = factors_of(graph, product);
  if (f.values.size() != 2 || !near(f.constant, 0.5)) return std::nullopt;
  for (ValueId x : f.values) {
    if (is_erf_half(graph, f.other_than(x), x)) return Match{x, false};
    if (is_tanh_half(graph, f.other_than(x), x)) return Match{x, true};
  }
  return std::nullopt;
}

}  // namespace

bool recognise_gelu(Graph& graph, const PassContext& context) {
  bool changed = false;
  for (NodeId id : graph.topological_order()) {
    const Node& n = graph.node(id);
    const auto found = n.op == "Mul" || n.op == "Div" ? match(graph, n.output()) : std::nullopt;
    if (!found || !same_shape(graph, found->x, n.output())) continue;
    const ValueId y = n.output();
    AttributeMap attrs;
    attrs.set("approximate", std::string(found->tanh ? "tanh" : "none"));
    replace_value(graph, y, emit(graph, "Gelu", n.name, {found->x}, std::move(attrs), graph.value(y).name));
    context.count(found->tanh ? "Gelu (tanh)" : "Gelu");
    changed = true;
  }
  return changed;
}

}  // namespace burnish
