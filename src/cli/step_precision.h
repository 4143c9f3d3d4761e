#pragma once
// What the steps of a plan compute with, and why a layer does not compute on integers.
#include <map>
#include <string>
#include <vector>

#include "cli/accuracy_report.h"
#include "engine/engine_data.h"

namespace burnish::cli {

/// "int8" for products of integers, else the type of the floats computed with; for steps that only move elements, and
/// for all other types, the type of the output.
std::string computed_precision(const Plan& plan, const PlanStep& step);
/// Of output 0; empty where there is none.
std::string stored_precision(const Plan& plan, const PlanStep& step);
/// "int8", or "int8→float32" where the output is stored otherwise. Products of integers may write INT8 or UINT8.
std::string precision_text(const Plan& plan, const PlanStep& step);

/// Why convolutions and products do not compute on integers, in engines where some do.
class IntegerObstacles {
 public:
  /// A damaged accuracy report counts as none. The engine must outlive it.
  explicit IntegerObstacles(const EngineData& engine);
  /// Empty for steps on integers, for other operators, and for engines that have no integers at all.
  std::string of(const Plan& plan, const PlanStep& step) const;

 private:
  bool uses_integers_ = false, is_measured_ = false;
  std::map<std::string, std::string> reasons_;  ///< By name of the layer's output.
};

/// Multiply-adds of every step at the profile's opt shapes; empty where those cannot be resolved, 0 for steps whose
/// shapes depend on data.
std::vector<double> macs_of(const EngineData& engine, const Plan& plan);

}  // namespace burnish::cli
