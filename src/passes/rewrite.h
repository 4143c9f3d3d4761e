#pragma once
// What passes share: reading patterns out of a graph, and writing new nodes into it.
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "ops/activation.h"
#include "ops/encoding.h"

namespace burnish {

// --- reading ------------------------------------------------------------------------------------------------------
bool is_one_of(std::string_view op, std::initializer_list<std::string_view> ops);
/// The producer of the value when it is a node of this operator, else nullptr.
const Node* producer_if(const Graph& graph, ValueId value, std::string_view op);
/// The only reader of a value that is read once and is no output of the graph; nullptr otherwise.
const Node* single_user(const Graph& graph, ValueId value);
/// True when exactly one node reads the value, once, and it is no output of the graph.
bool is_used_once(const Graph& graph, ValueId value);
bool is_float(const Graph& graph, ValueId value);
/// Shape of a value; nullptr when unknown or when there is no value.
const SymShape* shape_of(const Graph& graph, ValueId value);
int rank_of(const Graph& graph, ValueId value);  ///< -1 when unknown.
/// Both shapes are known and equal for all values of the symbols.
bool same_shape(const Graph& graph, ValueId a, ValueId b);
/// The number, when the value is a constant all of whose elements are equal (floats and integers).
std::optional<double> uniform_constant(const Graph& graph, ValueId value);
/// As uniform_constant, within a relative 1e-4 of an expected number.
bool is_constant_near(const Graph& graph, ValueId value, double expected);
/// The elements of a constant integer tensor.
std::optional<std::vector<int64_t>> int_constant(const Graph& graph, ValueId value);
/// A binary node's constant-like operand and the other one: for op(a, b) with b (or, if commutative, a) matching.
struct Operands {
  ValueId value = kNoValue;  ///< The operand that is no uniform constant.
  double constant = 0;
};
std::optional<Operands> split_uniform(const Graph& graph, const Node& node, bool commutative);
/// "float", "last axis": the axis attribute or input of Softmax and of reductions, made non-negative; -1 if unknown.
int axis_of(const Graph& graph, const Node& node, int64_t fallback);
/// The axes of a reduction: from input 1, else the attribute; all axes when both are absent. nullopt if unknown.
std::optional<std::vector<int>> reduction_axes(const Graph& graph, const Node& node);
/// The activation a node stands for when its operand is input 0, or nullopt.
std::optional<Activation> match_activation(const Graph& graph, const Node& node);
std::vector<int64_t> perm_of(const Graph& graph, const Node& transpose);

// --- writing ------------------------------------------------------------------------------------------------------
/// "a + b + c" without repetitions and empty names.
std::string join_names(const std::vector<std::string>& names);
/// Adds a node with one output named after base, and infers it.
ValueId emit(Graph& graph, std::string op, std::string name, std::vector<ValueId> inputs, AttributeMap attrs,
             const std::string& base);
/// Lets the readers of old read replacement, and removes old's producer when nothing else needs it.
void replace_value(Graph& graph, ValueId old, ValueId replacement);
ValueId add_ints(Graph& graph, const std::string& name, const std::vector<int64_t>& values);
/// Its axes in another order; one of fewer axes gets ones in front.
Tensor transposed_constant(const Tensor& t, const std::vector<int64_t>& perm);
ValueId add_floats(Graph& graph, const std::string& name, const std::vector<float>& values, const Shape& shape);
ValueId add_scalar(Graph& graph, const std::string& name, float value);
/// The zero point of an encoding in integers, as QuantizeLinear and DequantizeLinear take it.
ValueId add_zero_point(Graph& graph, const std::string& name, const Encoding& encoding);
/// The constant target of a Reshape from one shape to another: numbers, 0 for a dimension kept in its place, -1 for
/// one that follows. nullopt when that does not suffice. Never contains 0 for an empty dimension.
std::optional<std::vector<int64_t>> reshape_target(const SymShape& from, const SymShape& to);
/// Reshape to a known shape; kNoValue when reshape_target cannot say it.
ValueId add_reshape(Graph& graph, ValueId value, const SymShape& to, const std::string& name);
ValueId add_transpose(Graph& graph, ValueId value, const std::vector<int64_t>& perm, const std::string& name);

}  // namespace burnish
