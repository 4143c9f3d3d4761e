#pragma once
// Which layers have to compute more precisely for an accuracy budget to hold: as few and as cheap as can be found.
#include <functional>
#include <string>
#include <vector>

#include "base/log.h"

namespace burnish {

struct GuardedLayer {
  std::string name;
  double sensitivity = 0;  ///< How much error the layer adds, measured with all others lowered too.
  double cost = 0;         ///< What raising it costs: its multiply-adds.
};

/// A build with some layers raised.
struct Trial {
  double loss = 0;  ///< Against FP32, in the budget's unit.
  double us = 0;    ///< Predicted time of one execution.
};
/// raised[i]: layer i computes more precisely.
using MeasureTrial = std::function<Trial(const std::vector<bool>& raised)>;

struct GuardResult {
  bool holds = false;
  std::vector<bool> raised;  ///< By layer.
  Trial lowered;             ///< Nothing raised.
  Trial final;               ///< As `raised` says; where nothing holds, with everything raised.
  int num_trials = 0;
};

/// Raises layers in the order of their sensitivity until the budget holds (bisection over how many), then lowers the
/// dearest ones again as long as it goes on holding. Every step measures the whole model, so that what layers do
/// together counts. At most max_trials measurements.
GuardResult hold_budget(const std::vector<GuardedLayer>& layers, double budget, int max_trials,
                        const MeasureTrial& measure);

}  // namespace burnish
