#pragma once
// What lower_precision is to do: which values are stored as integers, what their layers compute with, and how
// everything else is stored. Made by builder/ from calibration; names are those of the optimised graph.
#include <map>
#include <set>
#include <string>

#include "ops/encoding.h"

namespace burnish {

/// An activation that is stored as integers.
struct ValuePrecision {
  Encoding encoding;
  /// FLOAT [C]: the value is multiplied with these by element of its last axis before it is quantised (the layers'
  /// weights are divided by them). Undefined: by nothing.
  Tensor factors;
};

/// A FusedConv or FusedMatMul that computes on integers.
struct LayerPrecision {
  Tensor weights;        ///< INT8, of the shape of the layer's W, symmetric.
  Tensor weight_scales;  ///< FLOAT [output channels].
  Tensor bias;           ///< FLOAT [output channels]; undefined: none.
};

struct PrecisionPlan {
  /// Of floats that may be stored narrower: kFloat32, kBFloat16 or kFloat16.
  DType floats = DType::kFloat32;
  std::map<std::string, ValuePrecision> values;  ///< By name of the value.
  std::map<std::string, LayerPrecision> layers;  ///< By name of the layer's output.
  std::set<std::string> full_precision;          ///< Outputs of nodes that stay FLOAT, inputs and all.
};

}  // namespace burnish
