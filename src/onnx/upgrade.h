#pragma once
// Operators of older opsets, brought up to the newest one's semantics. A row of the table in upgrade.cc for each
// change.
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace burnish {

/// A node on its way into the graph.
struct OldNode {
  std::string op;
  std::string name;
  int64_t version = 0;  ///< Of its operator set.
  AttributeMap attrs;
  std::vector<ValueId> inputs;
  std::vector<std::string> outputs;  ///< Names; "" for one that nobody wants.
  std::vector<ValueId> results;      ///< Set once the node stands in the graph.
  Graph& graph;

  ValueId input(size_t i) const { return i < inputs.size() ? inputs[i] : kNoValue; }
  void set_input(size_t i, ValueId value);
  /// Throws kInvalidModel when the input is absent.
  const TypeInfo& type(size_t i) const;
  /// A constant named after the node and what it is for.
  ValueId constant(std::string_view purpose, Tensor tensor);
  ValueId ints(std::string_view purpose, const std::vector<int64_t>& values);
  /// A scalar of input 0's floating type.
  ValueId scalar_like_input(std::string_view purpose, float value);
  /// Adds an operator in front of the node and infers it.
  ValueId emit(std::string_view op, std::vector<ValueId> emit_inputs, AttributeMap emit_attrs = {});
  /// Moves an INTS attribute, if there, to an input.
  void ints_to_input(std::string_view attribute, size_t input);
  /// Puts the node as it stands into the graph and infers it.
  void finish();
  /// As finish(), but its first output comes from this operator behind it.
  void finish_with(std::string_view op, std::vector<ValueId> emit_inputs, AttributeMap emit_attrs = {});
};

/// Applies all rows that the node's version asks for, oldest first. Throws kUnsupported or kInvalidModel.
void upgrade(const std::string& domain, OldNode& node);

/// What the operator is called today: "Upsample" is "Resize".
std::string newest_name(const std::string& domain, const std::string& op);

}  // namespace burnish
