#pragma once
// The epilogue of a fused product, as it grows over the nodes behind it: bias, then residual and activation in either
// order.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ops/fused.h"
#include "passes/pass.h"

namespace burnish {

struct Epilogue {
  Activation activation;
  Residual residual = Residual::kNone;
  ValueId residual_value = kNoValue;
  std::vector<std::string> names;  ///< Of the nodes taken in.
  std::string kind;                ///< "+Add+Relu"
  ValueId result = kNoValue;       ///< What the fused node now computes.

  bool is_plain() const { return activation.kind == ActivationKind::kNone && residual == Residual::kNone; }
};

/// Takes in one more node if it is the only reader of the result: an activation, or the addition of a tensor of the
/// result's very shape.
bool extend(const Graph& graph, Epilogue& epilogue);
/// Writes activation and residual into the fused node's attributes.
void set_epilogue(AttributeMap& attrs, const Epilogue& epilogue);

}  // namespace burnish
