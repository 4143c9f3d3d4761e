#pragma once
// Which precision every step gets: what the options allow, calibrated, measured against FP32, and held to the budget.
#include <map>
#include <string>

#include "builder/equalise_layers.h"
#include "builder/model_compiler.h"
#include "passes/precision.h"

namespace burnish {

struct PrecisionChoice {
  Equalisation equalisation;  ///< Comes before the plan.
  PrecisionPlan plan;
  /// For the engine: "precision" ("int8", "bfloat16", "float16": the lowest asked for; absent where all is FLOAT) and,
  /// where it was measured, "accuracy.report".
  std::map<std::string, std::string> metadata;
  std::string summary, json;  ///< The accuracy table; empty when nothing was measured.

  /// Brings an optimised graph into its final form.
  ModelCompiler::Optimised apply(const ModelCompiler& compiler, ModelCompiler::Optimised optimised) const;
  bool is_lowered() const { return plan.floats != DType::kFloat32 || !plan.layers.empty(); }
};

/// Calibrates and measures on the first profile. Throws kInvalidArgument for options that do not go together and for
/// samples that do not fit, and kAccuracy with the table when the budget cannot be held.
PrecisionChoice choose_precision(ModelCompiler& compiler, const OptimizationProfile& profile);

}  // namespace burnish
