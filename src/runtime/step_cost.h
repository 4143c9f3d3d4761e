#pragma once
// What one run of a step costs by its shapes: the figures behind GFLOP/s and GB/s.
#include "kernels/tactic.h"

namespace burnish {

struct StepCost {
  double flops = 0;  ///< Multiplications and additions of convolutions, products and attention; 0 for everything else.
  double bytes = 0;  ///< Inputs (weights included) and outputs, each once; of tables only the rows picked.
};

StepCost step_cost(const Problem& problem);

}  // namespace burnish
