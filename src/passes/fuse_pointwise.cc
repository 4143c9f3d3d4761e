// Makes one Pointwise step of trees of float elementwise nodes. A node joins the tree above it when nobody outside of
// the tree reads it and its result has the tree's shape, so that nothing is computed twice.
#include <algorithm>
#include <set>

#include "ops/fused.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

/// Bounds on what a kernel keeps at hand for one block of elements.
constexpr size_t kMaxInputs = 8;
constexpr size_t kMaxInstructions = 16;

struct Function {
  std::string_view op;
  std::string_view fn;
};
constexpr Function kBinary[] = {{"Add", "add"}, {"Sub", "sub"}, {"Mul", "mul"}, {"Div", "div"},
                                {"Pow", "pow"}, {"Min", "min"}, {"Max", "max"}, {"Sum", "add"}};
constexpr Function kUnary[] = {
    {"Neg", "neg"},     {"Abs", "abs"},   {"Sqrt", "sqrt"},   {"Exp", "exp"}, {"Log", "log"},
    {"Floor", "floor"}, {"Ceil", "ceil"}, {"Round", "round"}, {"Erf", "erf"}, {"Reciprocal", "reciprocal"}};

std::string_view lookup(std::span<const Function> table, std::string_view op) {
  const auto it = std::ranges::find(table, op, &Function::op);
  return it == table.end() ? std::string_view() : it->fn;
}

bool is_eligible(const Graph& graph, const Node& n) {
  if (n.outputs.size() != 1 || !is_float(graph, n.output()) || shape_of(graph, n.output()) == nullptr) return false;
  for (ValueId v : n.inputs) {
    if (v != kNoValue && (!is_float(graph, v) || shape_of(graph, v) == nullptr)) return false;
  }
  if (!lookup(kBinary, n.op).empty()) return n.inputs.size() >= 2;
  return !lookup(kUnary, n.op).empty() || match_activation(graph, n).has_value();
}

/// The nodes of one tree, its root included.
class Tree {
 public:
  Tree(const Graph& graph, const std::vector<std::vector<NodeId>>& users, NodeId root)
      : graph_(graph), users_(users), root_(graph.node(root).output()) {
    add(root);
    bool grown = true;
    while (grown) grown = grow();
  }

  const std::set<NodeId>& nodes() const { return nodes_; }
  /// What the tree reads from outside, literals left out, in the order of first use.
  std::vector<ValueId> inputs() const {
    std::vector<ValueId> result;
    for (NodeId id : nodes_) {
      for (ValueId v : operands(id)) {
        if (!is_inner(v) && !is_literal(v) && std::ranges::find(result, v) == result.end()) result.push_back(v);
      }
    }
    return result;
  }
  bool is_inner(ValueId v) const {
    const Node* p = graph_.producer(v);
    return p != nullptr && nodes_.contains(p->id);
  }
  /// A number that does not take part in broadcasting.
  bool is_literal(ValueId v) const { return uniform_constant(graph_, v).has_value() && broadcasts_into_root(v); }
  /// An activation's parameters are part of it.
  std::vector<ValueId> operands(NodeId id) const {
    const Node& n = graph_.node(id);
    return lookup(kBinary, n.op).empty() ? std::vector<ValueId>{n.input(0)} : n.inputs;
  }

 private:
  void add(NodeId id) { nodes_.insert(id); }

  bool grow() {
    for (NodeId id : nodes_) {
      for (ValueId v : operands(id)) {
        const Node* p = graph_.producer(v);
        if (p == nullptr || nodes_.contains(p->id) || !may_join(*p)) continue;
        add(p->id);
        if (nodes_.size() <= kMaxInstructions && inputs().size() <= kMaxInputs) return true;
        nodes_.erase(p->id);
      }
    }
    return false;
  }

  bool may_join(const Node& p) const {
    if (!is_eligible(graph_, p) || graph_.is_output(p.output()) || !same_shape(graph_, p.output(), root_)) return false;
    const std::vector<NodeId>& users = users_[static_cast<size_t>(p.output())];
    return std::ranges::all_of(users, [&](NodeId u) { return nodes_.contains(u); });
  }

  /// Some other operand gives every node its shape, so the literal's own shape does not matter.
  bool broadcasts_into_root(ValueId literal) const {
    for (NodeId id : nodes_) {
      const std::vector<ValueId> all = operands(id);
      if (std::ranges::find(all, literal) == all.end()) continue;
      const bool shaped = std::ranges::any_of(all, [&](ValueId v) {
        return !uniform_constant(graph_, v) && same_shape(graph_, v, graph_.node(id).output());
      });
      if (!shaped) return false;
    }
    return true;
  }

  const Graph& graph_;
  const std::vector<std::vector<NodeId>>& users_;
  ValueId root_;
  std::set<NodeId> nodes_;
};

/// Writes the tree as a program.
class Writer {
 public:
  Writer(const Graph& graph, const Tree& tree) : graph_(graph), tree_(tree), inputs_(tree.inputs()) {}

  void write(const Node& n) {
    const std::string_view binary = lookup(kBinary, n.op);
    if (!binary.empty()) {
      write_binary(n, binary);
    } else if (const std::string_view unary = lookup(kUnary, n.op); !unary.empty()) {
      emit_line(fmt::format("{} {}", unary, operand(n.input(0))));
    } else {
      write_activation(*match_activation(graph_, n), operand(n.input(0)));
    }
    results_[n.output()] = static_cast<int>(program_.size()) - 1;
  }

  const std::vector<std::string>& program() const { return program_; }
  const std::vector<ValueId>& inputs() const { return inputs_; }

 private:
  void emit_line(std::string line) { program_.push_back(std::move(line)); }

  std::string operand(ValueId v) const {
    if (const auto it = results_.find(v); it != results_.end()) return fmt::format("t{}", it->second);
    if (tree_.is_literal(v)) return fmt::format("#{}", static_cast<float>(*uniform_constant(graph_, v)));
    return fmt::format("i{}", std::ranges::find(inputs_, v) - inputs_.begin());
  }

  /// Sums and the like of several operands are written pair by pair; powers of 2 and 1/2 by what is faster.
  void write_binary(const Node& n, std::string_view fn) {
    const std::string first = operand(n.input(0));
    if (fn == "pow" && tree_.is_literal(n.input(1))) {
      const double exponent = *uniform_constant(graph_, n.input(1));
      if (exponent == 2.0) return emit_line(fmt::format("mul {0} {0}", first));
    }
    emit_line(fmt::format("{} {} {}", fn, first, operand(n.input(1))));
    for (size_t i = 2; i < n.inputs.size(); ++i) {
      emit_line(fmt::format("{} t{} {}", fn, program_.size() - 1, operand(n.inputs[i])));
    }
  }

  void write_activation(const Activation& a, const std::string& x) {
    const bool two = a.kind == ActivationKind::kClip || a.kind == ActivationKind::kHardSigmoid;
    std::string line = fmt::format("{} {}", name_of(a.kind), x);
    if (two || a.kind == ActivationKind::kLeakyRelu) line += fmt::format(" #{}", a.alpha);
    if (two) line += fmt::format(" #{}", a.beta);
    emit_line(line);
  }

  const Graph& graph_;
  const Tree& tree_;
  std::vector<ValueId> inputs_;
  std::vector<std::string> program_;
  std::map<ValueId, int> results_;
};

void replace_tree(Graph& graph, const std::vector<NodeId>& order, const Tree& tree, NodeId root) {
  Writer writer(graph, tree);
  std::vector<std::string> names;
  for (NodeId id : order) {
    if (!tree.nodes().contains(id)) continue;
    writer.write(graph.node(id));
    names.push_back(graph.node(id).name);
  }
  AttributeMap attrs;
  attrs.set("program", writer.program());
  const ValueId y = graph.node(root).output();
  const ValueId fused =
      emit(graph, std::string(kPointwise), join_names(names), writer.inputs(), std::move(attrs), graph.value(y).name);
  graph.replace_all_uses(y, fused);
}

/// Reads what is dequantised, or is quantised itself.
bool meets_quantization(const Graph& graph, const Tree& tree, NodeId root) {
  const Node* next = single_user(graph, graph.node(root).output());
  return (next != nullptr && next->op == "QuantizeLinear") || std::ranges::any_of(tree.inputs(), [&](ValueId v) {
           return producer_if(graph, v, "DequantizeLinear") != nullptr;
         });
}

}  // namespace

bool fuse_pointwise(Graph& graph, const PassContext& context) {
  const std::vector<NodeId> order = graph.topological_order();
  // The trees do not change who reads values outside of them, but for the roots, which keep their readers.
  const std::vector<std::vector<NodeId>> users = graph.all_users();
  std::set<NodeId> taken;
  for (size_t i = order.size(); i-- > 0;) {
    const NodeId root = order[i];
    if (taken.contains(root) || !is_eligible(graph, graph.node(root))) continue;
    const Tree tree(graph, users, root);
    // A node by itself gains nothing, but that it can then read and write narrow encodings.
    const size_t fewest = context.precision != nullptr || meets_quantization(graph, tree, root) ? 1 : 2;
    if (tree.nodes().size() < fewest || tree.inputs().empty()) continue;
    taken.insert(tree.nodes().begin(), tree.nodes().end());
    replace_tree(graph, order, tree, root);
    context.count(fmt::format("Pointwise of {}", tree.nodes().size()));
  }
  return !taken.empty();
}

}  // namespace burnish
