// Marks the products and convolutions whose FLOAT operands may be rounded to TF32 by GPUs' tensor cores.
#include "ops/fused.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {

bool allow_tf32(Graph& graph, const PassContext& context) {
  if (!context.tf32) return false;
  bool changed = false;
  for (const NodeId id : graph.topological_order()) {
    Node& n = graph.node(id);
    if ((n.op != kFusedConv && n.op != kFusedMatMul) || n.attrs.get_int(kAllowTf32, 0) != 0) continue;
    if (!is_float(graph, n.input(0)) || !is_float(graph, n.input(kFusedWeights))) continue;
    n.attrs.set(std::string(kAllowTf32), int64_t{1});
    changed = true;
  }
  return changed;
}

}  // namespace burnish
