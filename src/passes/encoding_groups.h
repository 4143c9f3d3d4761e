#pragma once
// Which nodes can read and write narrow encodings, and which values must be stored alike because nothing between them
// computes: pooling for the maximum, concatenation, views, transposes, slices, nearest resizing.
#include <vector>

#include "ir/graph.h"
#include "ops/encoding.h"

namespace burnish {

/// FusedConv or FusedMatMul.
bool is_fused_product(const Node& node);
/// Only moves or selects elements of its data inputs, whatever their type.
bool is_transparent(const Graph& graph, const Node& node);
/// The data inputs of a transparent node: all of a Concat, the first of any other.
int num_data_inputs(const Node& node);

/// Whether the node's kernels read input i in this encoding. For FusedConv and FusedMatMul: X and R; the weights have
/// to follow X.
bool can_read(const Node& node, int input, DType dtype);
/// Whether the node's attributes can say that output 0 has this encoding.
bool can_write(const Node& node, DType dtype);
/// Whether the kernels for integers know a FusedConv or FusedMatMul of this form, weights of this rank.
bool has_layer_form(const Node& product, int weight_rank);
/// A FusedConv or FusedMatMul whose weights are constant FLOAT: what can compute on integers.
bool is_layer(const Graph& graph, const Node& node);
/// The axis of W that counts output channels: 0 for FusedConv, the last (or with transB the last but one) of
/// FusedMatMul.
int output_channel_axis(const Node& product, int weight_rank);

/// FLOAT activations by group.
class EncodingGroups {
 public:
  explicit EncodingGroups(const Graph& graph);
  /// The group's representative; kNoValue for values in no group (constants, integers).
  ValueId group_of(ValueId value) const { return group_[static_cast<size_t>(value)]; }
  const std::vector<ValueId>& members(ValueId group) const { return members_[static_cast<size_t>(group)]; }

 private:
  std::vector<ValueId> group_;
  std::vector<std::vector<ValueId>> members_;
};

}  // namespace burnish
