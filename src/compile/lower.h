#pragma once
// Graph → plan without tactics.
#include "engine/plan.h"
#include "ir/graph.h"

namespace burnish {

/// A plan on its way: steps in execution order without tactics, every value with storage of its own.
struct LoweredPlan {
  Plan plan;
  std::vector<Tensor> constants;  ///< By PlanValueId; undefined for everything else.
  /// By PlanValueId: TensorDesc::free_dims. Empty for targets whose kernels do not ask.
  std::vector<uint32_t> free_dims;
};

/// Translates a graph whose types are inferred. `order` lists its live nodes in execution order. Views become
/// StepKind::kView, nodes that depend on shapes and constants only become StepKind::kShape.
LoweredPlan lower(const Graph& graph, const std::vector<NodeId>& order, const OptimizationProfile& profile);

/// The step that writes each value, by PlanValueId; -1 for inputs and constants.
std::vector<int32_t> producers_of(const Plan& plan);
/// The (step, input position) pairs that read each value, by PlanValueId.
struct Reader {
  int32_t step;
  int32_t position;
};
std::vector<std::vector<Reader>> readers_of(const Plan& plan);

}  // namespace burnish
