#include "ir/interpreter.h"

#include <algorithm>

namespace burnish {
namespace {

using Symbols = std::map<std::string, int64_t, std::less<>>;

std::vector<std::string> input_names(const Graph& graph) {
  std::vector<std::string> names;
  for (ValueId v : graph.inputs()) names.push_back(graph.value(v).name);
  return names;
}

void check_names(const Graph& graph, const std::map<std::string, Tensor>& inputs) {
  const std::vector<std::string> known = input_names(graph);
  for (const auto& [name, tensor] : inputs) {
    check(std::ranges::find(known, name) != known.end(), ErrorCode::kInvalidArgument,
          "the model has no input '{}'; its inputs are: {}", name, fmt::join(known, ", "));
  }
  for (const std::string& name : known) {
    const auto it = inputs.find(name);
    check(it != inputs.end() && it->second.defined(), ErrorCode::kInvalidArgument, "no value for the input '{}'", name);
  }
}

/// Binds the symbol of a dim that is nothing but a symbol. False when the number contradicts what is known.
bool bind(const Dim& dim, int64_t actual, Symbols& symbols) {
  const std::optional<int64_t> expected = dim.evaluate(symbols);
  if (expected) return *expected == actual;
  std::vector<std::string> names;
  dim.collect_symbols(names);
  if (names.size() == 1 && dim == Dim::symbol(names[0])) symbols.emplace(names[0], actual);
  return true;
}

void bind_shape(const Value& input, const Shape& actual, Symbols& symbols) {
  if (!input.type.shape) return;
  const SymShape& declared = *input.type.shape;
  bool fits = static_cast<int>(declared.size()) == actual.rank();
  for (int i = 0; fits && i < actual.rank(); ++i) fits = bind(declared[static_cast<size_t>(i)], actual[i], symbols);
  check(fits, ErrorCode::kInvalidArgument, "input '{}' has the shape {} where the model declares {}", input.name,
        to_string(actual), to_string(declared));
}

class Interpreter {
 public:
  Interpreter(const Graph& graph, const std::map<std::string, Tensor>& inputs, const OnValue& on_value)
      : graph_(graph), on_value_(on_value), uses_(static_cast<size_t>(graph.num_value_ids())), made_(uses_.size()) {
    for (ValueId v : graph.inputs()) tensor(v) = inputs.at(graph.value(v).name);
    for (const Graph::Output& o : graph.outputs()) ++uses(o.value);
    for (int i = 0; i < graph.num_node_ids(); ++i) {
      for (ValueId v : graph.node(i).inputs) {
        if (graph.node(i).alive && v != kNoValue) ++uses(v);
      }
    }
  }

  std::map<std::string, Tensor> run() {
    for (NodeId id : graph_.topological_order()) {
      const Node& n = graph_.node(id);
      with_frame([&] { return "node " + describe(n); }, [&] { run_node(n); });
    }
    std::map<std::string, Tensor> outputs;
    for (const Graph::Output& o : graph_.outputs()) outputs.emplace(o.name, read(o.value));
    return outputs;
  }

 private:
  Tensor& tensor(ValueId id) { return made_[static_cast<size_t>(id)]; }
  int& uses(ValueId id) { return uses_[static_cast<size_t>(id)]; }
  Tensor read(ValueId id) {
    if (id == kNoValue) return {};
    const Value& v = graph_.value(id);
    const Tensor& t = v.is_constant() ? v.constant : tensor(id);
    check(t.defined(), ErrorCode::kInternal, "value '{}' has not been computed", v.name);
    return t;
  }

  void run_node(const Node& n) {
    const OpDescriptor* op = find_op(n.op);
    check(op != nullptr, ErrorCode::kUnsupported, "operator '{}' is not supported", n.op);
    std::vector<Tensor> inputs;
    for (ValueId v : n.inputs) inputs.push_back(read(v));
    std::vector<Tensor> outputs = evaluate_op(*op, n.attrs, inputs, static_cast<int>(n.outputs.size()));
    for (size_t i = 0; i < n.outputs.size(); ++i) {
      const ValueId v = n.outputs[i];
      if (v == kNoValue) continue;
      if (on_value_) on_value_(graph_.value(v), outputs[i]);
      if (uses(v) > 0) tensor(v) = outputs[i];
    }
    for (ValueId v : n.inputs) {
      if (v != kNoValue && --uses(v) == 0) tensor(v) = Tensor();
    }
  }

  const Graph& graph_;
  const OnValue& on_value_;
  std::vector<int> uses_;
  std::vector<Tensor> made_;
};

}  // namespace

Symbols bind_inputs(const Graph& graph, const std::map<std::string, Tensor>& inputs) {
  check_names(graph, inputs);
  Symbols symbols;
  for (ValueId id : graph.inputs()) {
    const Value& v = graph.value(id);
    const Tensor& t = inputs.at(v.name);
    check(t.dtype() == v.type.dtype, ErrorCode::kInvalidArgument, "input '{}' is {} where the model declares {}",
          v.name, name_of(t.dtype()), name_of(v.type.dtype));
    bind_shape(v, t.shape(), symbols);
  }
  return symbols;
}

std::map<std::string, Tensor> interpret(const Graph& graph, const std::map<std::string, Tensor>& inputs,
                                        const OnValue& on_value) {
  bind_inputs(graph, inputs);
  return Interpreter(graph, inputs, on_value).run();
}

}  // namespace burnish
