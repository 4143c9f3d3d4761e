#pragma once
// Decision trees: TreeEnsemble of ai.onnx.ml.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> tree_ensemble_ops();

}  // namespace burnish
