#pragma once
// The accuracy report that a build stores in its engine, read back. Engines are files: nothing in them is trusted.
#include <optional>
#include <string>
#include <vector>

#include "engine/engine_data.h"

namespace burnish::cli {

/// One build that was measured.
struct AccuracyLine {
  double metric = 0;
  double predicted_ms = 0;  ///< At the first profile's opt shapes; 0: not timed.
};

/// What calibration saw in a layer's input, in bins of equal width over [low, high].
struct InputHistogram {
  double low = 0, high = 0;
  double zeros = 0;            ///< Elements that are exactly 0; not in the bins.
  std::vector<double> counts;  ///< Elements by bin.

  double bin_width() const { return (high - low) / static_cast<double>(counts.size()); }
  double num_elements() const;
};

struct AccuracyLayer {
  std::string name, output, op, precision;
  std::string reason;  ///< Why it is not in the lowest precision; empty where it is.
  double macs = 0;
  std::optional<double> sqnr_db;      ///< Of the output with every layer lowered; without noise there is none.
  std::optional<double> added_noise;  ///< Noise-to-signal ratio that the layer adds; absent: not measured.
  std::optional<std::pair<double, double>> range;  ///< What the integers of its input cover.
  std::optional<InputHistogram> input;

  bool is_raised() const { return !reason.empty(); }
  bool is_exact() const { return !sqnr_db && added_noise.has_value(); }
};

struct AccuracyReport {
  std::string metric, precision, floats;
  double num_calibration = 0, num_held_back = 0;
  std::optional<double> budget;
  AccuracyLine float32, lowered, final;
  double macs = 0, lowered_macs = 0;
  std::vector<AccuracyLayer> layers;  ///< In order of execution.
  std::vector<std::string> warnings;
  std::string json;  ///< As stored.

  double loss_of(const AccuracyLine& line) const { return float32.metric - line.metric; }
  double share_of(const AccuracyLayer& layer) const { return macs > 0 ? layer.macs / macs : 0; }
  size_t num_lowered() const;
  /// Indices of layers: those that add most noise first, those that were not measured last.
  std::vector<size_t> by_noise() const;
};

/// nullopt when the engine has none. Throws kCorrupt when what it has is no report.
std::optional<AccuracyReport> stored_report(const EngineData& engine);

// The report in words, the same in text and in HTML.
/// As a share in per cent, or as the plain number that a user's command printed.
std::string metric_text(const AccuracyReport& report, double metric);
/// "2.11x" of FP32's predicted speed; empty where a time is not known.
std::string speed_text(const AccuracyReport& report, const AccuracyLine& line);
/// "39.2", "exact" or "".
std::string sqnr_text(const AccuracyLayer& layer);
/// "-0.811 … 2.02" or "".
std::string range_text(const AccuracyLayer& layer);
/// How much it was measured with, the budget, and how much a single sample weighs.
std::string measured_text(const AccuracyReport& report);
/// "17 of 18 layers in int8, 98.2 % of all multiply-adds"
std::string coverage_text(const AccuracyReport& report);

}  // namespace burnish::cli
