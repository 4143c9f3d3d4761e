#pragma once
// The layers of an optimised graph that could compute on integers, and the activations that would then be stored so.
#include <string>
#include <vector>

#include "engine/plan.h"
#include "passes/encoding_groups.h"

namespace burnish {

struct Layer {
  NodeId node = kNoNode;
  std::string output;  ///< Name of its output value: what the layer is known by.
  std::string name;    ///< Names of the model's nodes.
  std::string op;
  ValueId input = kNoValue;
  /// What another convolution computes for this one to add, and for nobody else: it could be stored as integers, too.
  ValueId residual = kNoValue;
  int channel_axis = 0;        ///< Of the weights: output channels.
  int input_channel_axis = 0;  ///< Of the input, counted from the front or, negative, from the end.
  int64_t groups = 1;
  double macs = 0;  ///< Multiply-adds of one execution at the profile's opt shapes.
};

/// In topological order.
std::vector<Layer> find_layers(const Graph& graph, const OptimizationProfile& profile);

/// All multiply-adds at opt shapes as `burnish inspect` tells them by step (runtime/step_cost.h): layers or not,
/// products of two activations and attention included.
double count_macs(const Graph& graph, const OptimizationProfile& profile);

}  // namespace burnish
