#include "passes/rewrite.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace burnish {
namespace {

template <typename T>
std::optional<double> uniform(const Tensor& t) {
  const T* p = t.as<T>();
  if (!std::all_of(p, p + t.num_elements(), [&](T v) { return v == *p; })) return std::nullopt;
  return static_cast<double>(*p);
}

/// A bound of Clip: absent means none, nullopt means not constant.
std::optional<float> clip_bound(const Graph& graph, const Node& node, int input, float none) {
  if (node.input(input) == kNoValue) return none;
  const std::optional<double> bound = uniform_constant(graph, node.input(input));
  if (!bound) return std::nullopt;
  return static_cast<float>(*bound);
}

std::optional<Activation> match_clip(const Graph& graph, const Node& node) {
  const std::optional<float> low = clip_bound(graph, node, 1, std::numeric_limits<float>::lowest());
  const std::optional<float> high = clip_bound(graph, node, 2, std::numeric_limits<float>::max());
  if (!low || !high) return std::nullopt;
  return Activation{ActivationKind::kClip, *low, *high};
}

}  // namespace

bool is_one_of(std::string_view op, std::initializer_list<std::string_view> ops) {
  return std::ranges::find(ops, op) != ops.end();
}

const Node* producer_if(const Graph& graph, ValueId value, std::string_view op) {
  const Node* n = graph.producer(value);
  return n != nullptr && n->op == op ? n : nullptr;
}

const Node* single_user(const Graph& graph, ValueId value) {
  if (value == kNoValue || graph.is_output(value)) return nullptr;
  const std::vector<NodeId> users = graph.users(value);
  return users.size() == 1 ? &graph.node(users[0]) : nullptr;
}

bool is_used_once(const Graph& graph, ValueId value) {
  return single_user(graph, value) != nullptr;
}

bool is_float(const Graph& graph, ValueId value) {
  return value != kNoValue && graph.value(value).type.dtype == DType::kFloat32;
}

const SymShape* shape_of(const Graph& graph, ValueId value) {
  if (value == kNoValue) return nullptr;
  const auto& shape = graph.value(value).type.shape;
  return shape ? &*shape : nullptr;
}

int rank_of(const Graph& graph, ValueId value) {
  const SymShape* shape = shape_of(graph, value);
  return shape != nullptr ? static_cast<int>(shape->size()) : -1;
}

bool same_shape(const Graph& graph, ValueId a, ValueId b) {
  const SymShape* sa = shape_of(graph, a);
  const SymShape* sb = shape_of(graph, b);
  return sa != nullptr && sb != nullptr && *sa == *sb;
}

std::optional<double> uniform_constant(const Graph& graph, ValueId value) {
  if (value == kNoValue || !graph.value(value).is_constant()) return std::nullopt;
  const Tensor& t = graph.value(value).constant;
  if (t.num_elements() == 0) return std::nullopt;
  switch (t.dtype()) {
    case DType::kFloat32:
      return uniform<float>(t);
    case DType::kFloat64:
      return uniform<double>(t);
    case DType::kInt32:
      return uniform<int32_t>(t);
    case DType::kInt64:
      return uniform<int64_t>(t);
    case DType::kBool:
      return uniform<uint8_t>(t);
    default:
      return std::nullopt;
  }
}

bool is_constant_near(const Graph& graph, ValueId value, double expected) {
  const std::optional<double> v = uniform_constant(graph, value);
  return v && std::abs(*v - expected) <= 1e-4 * std::abs(expected);
}

std::optional<std::vector<int64_t>> int_constant(const Graph& graph, ValueId value) {
  if (value == kNoValue || !graph.value(value).is_constant()) return std::nullopt;
  const Tensor& t = graph.value(value).constant;
  if (t.dtype() == DType::kInt64) return std::vector<int64_t>(t.as<int64_t>(), t.as<int64_t>() + t.num_elements());
  if (t.dtype() == DType::kInt32) return std::vector<int64_t>(t.as<int32_t>(), t.as<int32_t>() + t.num_elements());
  return std::nullopt;
}

std::optional<Operands> split_uniform(const Graph& graph, const Node& node, bool commutative) {
  if (node.inputs.size() != 2) return std::nullopt;
  if (const auto c = uniform_constant(graph, node.input(1))) return Operands{node.input(0), *c};
  if (!commutative) return std::nullopt;
  if (const auto c = uniform_constant(graph, node.input(0))) return Operands{node.input(1), *c};
  return std::nullopt;
}

int axis_of(const Graph& graph, const Node& node, int64_t fallback) {
  const int rank = rank_of(graph, node.input(0));
  const int64_t axis = node.attrs.get_int("axis", fallback);
  if (rank < 0 || axis < -rank || axis >= rank) return -1;
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

std::optional<std::vector<int>> reduction_axes(const Graph& graph, const Node& node) {
  const int rank = rank_of(graph, node.input(0));
  if (rank < 0) return std::nullopt;
  std::vector<int64_t> axes = node.attrs.get_ints("axes");
  if (node.input(1) != kNoValue) {
    const auto constant = int_constant(graph, node.input(1));
    if (!constant) return std::nullopt;
    axes = *constant;
  }
  if (axes.empty()) {
    if (node.attrs.get_int("noop_with_empty_axes", 0) != 0) return std::nullopt;
    axes.resize(static_cast<size_t>(rank));
    std::iota(axes.begin(), axes.end(), 0);
  }
  std::vector<int> result;
  for (int64_t a : axes) {
    if (a < -rank || a >= rank) return std::nullopt;
    result.push_back(static_cast<int>(a < 0 ? a + rank : a));
  }
  std::ranges::sort(result);
  return result;
}

std::optional<Activation> match_activation(const Graph& graph, const Node& node) {
  const auto attr = [&](std::string_view name, float fallback) { return node.attrs.get_float(name, fallback); };
  if (node.op == "Relu") return Activation{ActivationKind::kRelu};
  if (node.op == "Clip") return match_clip(graph, node);
  if (node.op == "LeakyRelu") return Activation{ActivationKind::kLeakyRelu, attr("alpha", 0.01F)};
  if (node.op == "Sigmoid") return Activation{ActivationKind::kSigmoid};
  if (node.op == "Tanh") return Activation{ActivationKind::kTanh};
  if (node.op == "Swish" && attr("alpha", 1.0F) == 1.0F) return Activation{ActivationKind::kSilu};
  if (node.op == "HardSwish") return Activation{ActivationKind::kHardSwish};
  if (node.op == "HardSigmoid")
    return Activation{ActivationKind::kHardSigmoid, attr("alpha", 0.2F), attr("beta", 0.5F)};
  if (node.op != "Gelu") return std::nullopt;
  const bool tanh = node.attrs.get_string("approximate", "none") == "tanh";
  return Activation{tanh ? ActivationKind::kGeluTanh : ActivationKind::kGelu};
}

std::vector<int64_t> perm_of(const Graph& graph, const Node& transpose) {
  std::vector<int64_t> perm = transpose.attrs.get_ints("perm");
  if (!perm.empty()) return perm;
  for (int i = rank_of(graph, transpose.input(0)) - 1; i >= 0; --i) perm.push_back(i);
  return perm;
}

std::string join_names(const std::vector<std::string>& names) {
  std::vector<std::string> kept;
  for (const std::string& name : names) {
    if (!name.empty() && std::ranges::find(kept, name) == kept.end()) kept.push_back(name);
  }
  return fmt::format("{}", fmt::join(kept, " + "));
}

ValueId emit(Graph& graph, std::string op, std::string name, std::vector<ValueId> inputs, AttributeMap attrs,
             const std::string& base) {
  const NodeId id = graph.add_node(std::move(op), std::move(name), std::move(inputs), std::move(attrs), {base});
  graph.infer_node(id);
  return graph.node(id).output();
}

void replace_value(Graph& graph, ValueId old, ValueId replacement) {
  graph.replace_all_uses(old, replacement);
  const Node* producer = graph.producer(old);
  if (producer == nullptr) return;
  const bool unused = std::ranges::all_of(
      producer->outputs, [&](ValueId v) { return v == kNoValue || (!graph.is_output(v) && graph.users(v).empty()); });
  if (unused) graph.remove_node(producer->id);
}

ValueId add_ints(Graph& graph, const std::string& name, const std::vector<int64_t>& values) {
  return graph.add_constant(name, Tensor::from_ints(values));
}

Tensor transposed_constant(const Tensor& t, const std::vector<int64_t>& perm) {
  Shape padded;
  for (size_t i = static_cast<size_t>(t.shape().rank()); i < perm.size(); ++i) padded.push_back(1);
  for (int64_t d : t.shape()) padded.push_back(d);
  AttributeMap attrs;
  attrs.set("perm", perm);
  const Tensor input = t.reshaped(padded);
  return evaluate_op(*find_op("Transpose"), attrs, std::span(&input, 1), 1).at(0);
}

ValueId add_floats(Graph& graph, const std::string& name, const std::vector<float>& values, const Shape& shape) {
  return graph.add_constant(name, Tensor::from_floats(values).reshaped(shape));
}

ValueId add_scalar(Graph& graph, const std::string& name, float value) {
  return graph.add_constant(name, Tensor::scalar(DType::kFloat32, value));
}

ValueId add_zero_point(Graph& graph, const std::string& name, const Encoding& encoding) {
  Tensor zero(encoding.dtype, Shape{});
  *zero.as<uint8_t>() = static_cast<uint8_t>(encoding.zero);  // two's complement for INT8
  return graph.add_constant(name, std::move(zero));
}

std::optional<std::vector<int64_t>> reshape_target(const SymShape& from, const SymShape& to) {
  std::vector<int64_t> target;
  bool follows = false;
  for (size_t i = 0; i < to.size(); ++i) {
    if (to[i].is_constant()) {
      if (to[i].value() <= 0) return std::nullopt;
      target.push_back(to[i].value());
    } else if (i < from.size() && from[i] == to[i]) {
      target.push_back(0);
    } else {
      if (follows) return std::nullopt;
      follows = true;
      target.push_back(-1);
    }
  }
  return target;
}

ValueId add_reshape(Graph& graph, ValueId value, const SymShape& to, const std::string& name) {
  const SymShape* from = shape_of(graph, value);
  const auto target = from != nullptr ? reshape_target(*from, to) : std::nullopt;
  if (!target) return kNoValue;
  const std::string base = graph.value(value).name;
  const ValueId shape = add_ints(graph, base + "_shape", *target);
  return emit(graph, "Reshape", name, {value, shape}, {}, base + "_view");
}

ValueId add_transpose(Graph& graph, ValueId value, const std::vector<int64_t>& perm, const std::string& name) {
  AttributeMap attrs;
  attrs.set("perm", perm);
  return emit(graph, "Transpose", name, {value}, std::move(attrs), graph.value(value).name + "_transposed");
}

}  // namespace burnish
