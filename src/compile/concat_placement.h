#pragma once
// Values written straight into the result of the concat that reads them.
#include <vector>

#include "compile/step_options.h"

namespace burnish {

/// One input of a concat that could be written in place by its producer.
struct PlacementEdge {
  int32_t concat = -1;    ///< Step.
  int32_t position = -1;  ///< Which of its inputs.
  PlanValueId value = kAbsent;
  int32_t producer = -1;         ///< Step…
  int32_t producer_output = -1;  ///< …and which of its outputs.
  std::vector<Reader> readers;   ///< Besides the concat.
  /// Rows stand apart, so producer and readers must accept strides. False when everything before the axis is 1: the
  /// slice is then dense.
  bool strided = true;
  double copy_us = 0;  ///< What copying this input costs when it is not placed.
};

/// Edges whose producer has a candidate that can write there and whose readers have candidates that can read there.
std::vector<PlacementEdge> find_placements(const LoweredPlan& lowered, const ResolvedShapes& opt,
                                           const std::vector<StepOptions>& options);

/// Gives the chosen values their storage in the concat's output.
void place(Plan& plan, const PlacementEdge& edge);

}  // namespace burnish
