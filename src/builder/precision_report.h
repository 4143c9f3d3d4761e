#pragma once
// What lower precision cost and gained: as a table for people, and as JSON that the engine keeps.
#include <string>
#include <vector>

#include "builder/accuracy_guard.h"
#include "builder/layer_noise.h"
#include "quantize/ranges.h"
#include "quantize/representative.h"

namespace burnish {

/// One line of the table.
struct MeasuredPrecision {
  double metric = 0;
  double us = 0;  ///< Predicted by the tuner's times at the profile's opt shapes.
};

struct PrecisionReport {
  std::string metric_name;
  bool is_share = true;  ///< The metric is shown in per cent.
  int64_t num_calibration = 0, num_held_back = 0;
  double budget = 0;  ///< Negative: none.
  bool holds = true;
  std::string lowest;  ///< "int8", "bfloat16", "float16": what the layers were lowered to.
  std::string floats;  ///< How everything else is stored.
  MeasuredPrecision fp32, lowered, final;
  std::vector<Layer> layers;
  std::vector<bool> raised;        ///< By layer.
  std::vector<LayerNoise> noises;  ///< By layer; empty where it was not measured.
  double all_macs = 0;             ///< Of the whole model, layers or not.
  std::vector<Warning> warnings;

  double lowered_macs() const;
};

std::string to_table(const PrecisionReport& report);
/// observations, where there are any, give every layer's input histogram and ranges its range.
std::string to_json(const PrecisionReport& report, const Graph& graph, const RangeTable& ranges,
                    const Observations& observations);

}  // namespace burnish
