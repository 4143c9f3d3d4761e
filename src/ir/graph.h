#pragma once
// The graph of a model: values and nodes by id. Always verifiable, always printable.
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ops/op.h"

namespace burnish {

using ValueId = int32_t;
using NodeId = int32_t;
inline constexpr ValueId kNoValue = -1;  ///< An optional input or output that is absent.
inline constexpr NodeId kNoNode = -1;

struct Value {
  ValueId id = kNoValue;
  std::string name;  ///< Unique in the graph.
  TypeInfo type;
  Tensor constant;                       ///< Defined for constants.
  std::optional<std::vector<Dim>> dims;  ///< Symbolic elements of a small integer tensor, from inference.
  NodeId producer = kNoNode;             ///< kNoNode for inputs and constants.
  bool is_constant() const { return constant.defined(); }
};

struct Node {
  NodeId id = kNoNode;
  std::string op;
  std::string name;  ///< As in the model; fused nodes join the names of what they replace with " + ".
  AttributeMap attrs;
  std::vector<ValueId> inputs;   ///< May contain kNoValue.
  std::vector<ValueId> outputs;  ///< May contain kNoValue.
  bool alive = true;

  ValueId input(int i) const { return i < static_cast<int>(inputs.size()) ? inputs[static_cast<size_t>(i)] : kNoValue; }
  ValueId output(int i = 0) const {
    return i < static_cast<int>(outputs.size()) ? outputs[static_cast<size_t>(i)] : kNoValue;
  }
};

class Graph {
 public:
  // --- building -------------------------------------------------------------------------------------------------
  ValueId add_input(const std::string& name, TypeInfo type);
  /// Equal constants are not merged here; the name is made unique with a suffix when taken.
  ValueId add_constant(const std::string& name, Tensor value);
  /// Creates one value per output name ("" makes kNoValue) of yet unknown type.
  NodeId add_node(std::string op, std::string name, std::vector<ValueId> inputs, AttributeMap attrs,
                  const std::vector<std::string>& output_names);
  /// Marks a value as output under a public name. One value may be several outputs.
  void add_output(ValueId value, std::string name);

  // --- reading --------------------------------------------------------------------------------------------------
  const Value& value(ValueId id) const { return values_[static_cast<size_t>(id)]; }
  Value& value(ValueId id) { return values_[static_cast<size_t>(id)]; }
  const Node& node(NodeId id) const { return nodes_[static_cast<size_t>(id)]; }
  Node& node(NodeId id) { return nodes_[static_cast<size_t>(id)]; }
  /// Upper bounds of the ids, dead ones included.
  int num_value_ids() const { return static_cast<int>(values_.size()); }
  int num_node_ids() const { return static_cast<int>(nodes_.size()); }
  int num_nodes() const;
  const std::vector<ValueId>& inputs() const { return inputs_; }
  struct Output {
    ValueId value;
    std::string name;
  };
  const std::vector<Output>& outputs() const { return outputs_; }
  /// Live nodes, each after the producers of its inputs; ties by id. Throws kInvalidModel naming a node on a cycle.
  std::vector<NodeId> topological_order() const;
  /// Live nodes that read the value; a node that reads it twice stands twice.
  std::vector<NodeId> users(ValueId value) const;
  /// users() for all values at once, by value id.
  std::vector<std::vector<NodeId>> all_users() const;
  bool is_output(ValueId value) const;
  bool is_input(ValueId value) const;
  /// kNoValue when there is none of that name.
  ValueId find_value(const std::string& name) const;
  /// The live node that makes the value, or nullptr.
  const Node* producer(ValueId value) const;

  // --- rewriting ------------------------------------------------------------------------------------------------
  /// Every reader and graph output of old reads replacement instead.
  void replace_all_uses(ValueId old, ValueId replacement);
  /// Graph outputs of old read replacement instead; nodes do not.
  void replace_output(ValueId old, ValueId replacement);
  /// The node must have no readers left.
  void remove_node(NodeId id);
  /// Turns a value into a constant; its producer forgets it.
  void set_constant(ValueId id, Tensor tensor);
  /// Another node makes the value from now on, as its last output; its producer forgets it.
  void move_output(ValueId id, NodeId to);
  /// Removes nodes nobody reads (random ones too) and lets go of the elements of constants nobody reads; returns how
  /// many nodes.
  int remove_dead_nodes();

  // --- meaning --------------------------------------------------------------------------------------------------
  /// Infers types and symbolic elements of all values, in order. Throws with the frame "node NAME (OP)".
  void infer();
  /// Infers one node from what is known of its inputs.
  void infer_node(NodeId id);
  /// Names unique, ids in range, operators known, arity right, no cycle, outputs produced. Throws kInternal.
  void verify() const;

  std::string name;
  /// Free-form facts about the origin: "producer", "producer_version", "ir_version", "opset", "hash", …
  std::map<std::string, std::string> metadata;

 private:
  std::string unique_name(const std::string& wanted);
  ValueId add_value(const std::string& wanted_name, TypeInfo type);
  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::vector<ValueId> inputs_;
  std::vector<Output> outputs_;
  std::map<std::string, ValueId> by_name_;
  std::map<std::string, int> next_suffix_;
};

/// "/layer1/conv2 (Conv)", for messages.
std::string describe(const Node& node);

/// Bytes above which try_evaluate() and constant folding leave a value alone.
inline constexpr int64_t kFoldLimitBytes = int64_t{64} << 20;

/// Evaluates a value from constants (and known symbolic dims that are numbers) with the reference; nullopt if it
/// depends on an input or a random node, or if any value on the way would take more than limit_bytes. Used by
/// If-folding and constant folding.
std::optional<Tensor> try_evaluate(const Graph& graph, ValueId value, int64_t limit_bytes = kFoldLimitBytes);
/// The tensor of a value whose symbolic elements are all plain numbers; nullopt otherwise.
std::optional<Tensor> tensor_from_dims(const Value& value);

}  // namespace burnish
