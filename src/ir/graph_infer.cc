// Inference over a graph, and evaluation of what depends on constants only.
#include <algorithm>
#include <limits>

#include "base/checked.h"
#include "ir/graph.h"

namespace burnish {
namespace {

/// Longer lists of symbolic elements are not worth following.
constexpr size_t kMaxDims = 4096;

const OpDescriptor& descriptor_of(const Node& node) {
  const OpDescriptor* op = find_op(node.op);
  check(op != nullptr, ErrorCode::kUnsupported, "operator '{}' is not supported", node.op);
  return *op;
}

void check_arity(const OpDescriptor& op, const Node& node) {
  const int inputs = static_cast<int>(node.inputs.size());
  const int outputs = static_cast<int>(node.outputs.size());
  check(inputs >= op.min_inputs && (op.max_inputs < 0 || inputs <= op.max_inputs), ErrorCode::kInvalidModel,
        "{} cannot have {} inputs", op.name, inputs);
  check(outputs >= op.min_outputs && (op.max_outputs < 0 || outputs <= op.max_outputs), ErrorCode::kInvalidModel,
        "{} cannot have {} outputs", op.name, outputs);
  for (int i = 0; i < op.min_inputs; ++i) {
    check(node.input(i) != kNoValue, ErrorCode::kInvalidModel, "{} needs its input {}", op.name, i);
  }
}

struct KnownInputs {
  std::vector<TypeInfo> types;
  std::vector<ValueInfo> values;
};

KnownInputs known_inputs(const Graph& graph, const Node& node) {
  KnownInputs known;
  for (ValueId id : node.inputs) {
    known.types.push_back(id == kNoValue ? TypeInfo{} : graph.value(id).type);
    known.values.emplace_back();
    if (id == kNoValue) continue;
    const Value& v = graph.value(id);
    if (v.is_constant()) known.values.back().constant = &v.constant;
    known.values.back().dims = v.dims;
  }
  return known;
}

template <typename T>
bool store_dims(const std::vector<Dim>& dims, Tensor& tensor) {
  for (size_t i = 0; i < dims.size(); ++i) {
    const int64_t v = dims[i].value();
    if (v < std::numeric_limits<T>::min() || v > std::numeric_limits<T>::max()) return false;
    tensor.as<T>()[i] = static_cast<T>(v);
  }
  return true;
}

/// Bytes of an output if it is known, 0 otherwise.
int64_t known_bytes(const TypeInfo& type) {
  if (!type.shape) return 0;
  const std::optional<Shape> shape = to_concrete(*type.shape);
  return shape ? checked_mul(shape->num_elements(), static_cast<int64_t>(size_of(type.dtype))) : 0;
}

/// Evaluates a cone of nodes, keeping what it has made.
class Evaluator {
 public:
  Evaluator(const Graph& graph, int64_t limit_bytes) : graph_(graph), limit_bytes_(limit_bytes) {}

  std::optional<Tensor> run(ValueId value) {
    std::vector<NodeId> cone;
    if (!collect(value, cone)) return std::nullopt;
    for (NodeId id : cone) {
      if (!evaluate(graph_.node(id))) return std::nullopt;
    }
    return made_.at(value);
  }

 private:
  /// Takes a value's tensor without its producer if that is possible.
  bool take(ValueId id) {
    if (made_.contains(id)) return true;
    const Value& v = graph_.value(id);
    std::optional<Tensor> tensor = v.is_constant() ? v.constant : tensor_from_dims(v);
    if (!tensor) return false;
    made_.emplace(id, std::move(*tensor));
    return true;
  }

  /// The producers that must run, each after those of its inputs. False when the value cannot be known. Iterative:
  /// models may be deeper than the stack.
  bool collect(ValueId root, std::vector<NodeId>& cone) {
    if (take(root)) return true;
    enum class State { kNew, kOpen, kDone };
    std::map<NodeId, State> states;
    std::vector<ValueId> stack{root};
    while (!stack.empty()) {
      const Node* n = graph_.producer(stack.back());
      if (n == nullptr || !foldable(*n)) return false;
      State& state = states[n->id];
      if (state == State::kNew) {
        state = State::kOpen;
        if (!push_inputs(*n, stack, [&](NodeId p) { return states[p] == State::kOpen; })) return false;
      } else {
        if (state == State::kOpen) cone.push_back(n->id);
        state = State::kDone;
        stack.pop_back();
      }
    }
    return true;
  }

  template <typename IsOpen>
  bool push_inputs(const Node& node, std::vector<ValueId>& stack, IsOpen is_open) {
    if ((descriptor_of(node).traits & kShapeOnly) != 0 && known_shape(node.input(0))) return true;
    for (ValueId v : node.inputs) {
      if (v == kNoValue || take(v)) continue;
      const Node* p = graph_.producer(v);
      if (p == nullptr || is_open(p->id)) return false;  // an input, or a cycle
      stack.push_back(v);
    }
    return true;
  }

  bool known_shape(ValueId id) const {
    const auto& shape = graph_.value(id).type.shape;
    return shape && to_concrete(*shape).has_value();
  }

  static bool foldable(const Node& node) {
    const OpDescriptor* op = find_op(node.op);
    return op != nullptr && (op->traits & kRandom) == 0;
  }

  bool evaluate(const Node& node) {
    const OpDescriptor& op = descriptor_of(node);
    check_arity(op, node);
    std::vector<Tensor> inputs;
    for (ValueId v : node.inputs) inputs.push_back(input_of(op, v));
    if (too_large(op, node, inputs)) return false;
    std::vector<Tensor> outputs = evaluate_op(op, node.attrs, inputs, static_cast<int>(node.outputs.size()));
    for (size_t i = 0; i < outputs.size() && i < node.outputs.size(); ++i) {
      if (node.outputs[i] != kNoValue) made_.insert_or_assign(node.outputs[i], outputs[i]);
    }
    return true;
  }

  /// Shape-only operators get a stand-in of the right shape that is never read.
  Tensor input_of(const OpDescriptor& op, ValueId id) const {
    if (id == kNoValue) return {};
    const auto it = made_.find(id);
    if (it != made_.end()) return it->second;
    check((op.traits & kShapeOnly) != 0, ErrorCode::kInternal, "value '{}' is not there", graph_.value(id).name);
    const TypeInfo& type = graph_.value(id).type;
    return Tensor(type.dtype, *to_concrete(*type.shape), nullptr, nullptr);
  }

  bool too_large(const OpDescriptor& op, const Node& node, const std::vector<Tensor>& inputs) const {
    KnownInputs known;
    for (const Tensor& t : inputs) {
      known.types.push_back(t.defined() ? TypeInfo{t.dtype(), to_symbolic(t.shape())} : TypeInfo{});
      known.values.push_back({t.defined() && t.data() != nullptr ? &t : nullptr, std::nullopt});
    }
    InferContext ctx(node.attrs, known.types, known.values, static_cast<int>(node.outputs.size()));
    op.infer(ctx);
    return std::ranges::any_of(ctx.outputs(), [&](const TypeInfo& t) { return known_bytes(t) > limit_bytes_; });
  }

  const Graph& graph_;
  int64_t limit_bytes_;
  std::map<ValueId, Tensor> made_;
};

}  // namespace

void Graph::infer_node(NodeId id) {
  const Node& n = node(id);
  with_frame([&] { return "node " + describe(n); },
             [&] {
               const OpDescriptor& op = descriptor_of(n);
               check_arity(op, n);
               const KnownInputs known = known_inputs(*this, n);
               const std::string_view origin = n.output() == kNoValue ? n.name : value(n.output()).name;
               InferContext ctx(n.attrs, known.types, known.values, static_cast<int>(n.outputs.size()), origin);
               op.infer(ctx);
               for (size_t i = 0; i < n.outputs.size(); ++i) {
                 if (n.outputs[i] == kNoValue) continue;
                 Value& v = value(n.outputs[i]);
                 v.type = ctx.outputs()[i];
                 v.dims = ctx.output_dims()[i];
                 if (v.dims && v.dims->size() > kMaxDims) v.dims.reset();
               }
             });
}

void Graph::infer() {
  for (NodeId id : topological_order()) infer_node(id);
}

std::optional<Tensor> tensor_from_dims(const Value& value) {
  if (!value.dims || !value.type.shape) return std::nullopt;
  const std::optional<Shape> shape = to_concrete(*value.type.shape);
  if (!shape || shape->num_elements() != static_cast<int64_t>(value.dims->size())) return std::nullopt;
  if (!std::ranges::all_of(*value.dims, [](const Dim& d) { return d.is_constant(); })) return std::nullopt;
  if (value.type.dtype != DType::kInt64 && value.type.dtype != DType::kInt32) return std::nullopt;
  Tensor t(value.type.dtype, *shape);
  const bool fits =
      t.dtype() == DType::kInt64 ? store_dims<int64_t>(*value.dims, t) : store_dims<int32_t>(*value.dims, t);
  return fits ? std::optional(t) : std::nullopt;
}

std::optional<Tensor> try_evaluate(const Graph& graph, ValueId value, int64_t limit_bytes) {
  return Evaluator(graph, limit_bytes).run(value);
}

}  // namespace burnish
