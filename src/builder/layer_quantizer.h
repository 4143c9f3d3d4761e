#pragma once
// From calibrated ranges to what every layer computes with: encodings, integer weights, corrected biases.
#include <optional>
#include <set>

#include "builder/layers.h"
#include "builder/observation.h"
#include "passes/precision.h"
#include "quantize/calibrator.h"
#include "quantize/ranges.h"

namespace burnish {

class LayerQuantizer {
 public:
  /// The graph must outlive it. observations may be empty (ranges from a cache): biases are then not corrected and
  /// channels not balanced. Layers whose input has no range are left out.
  LayerQuantizer(const Graph& graph, const OptimizationProfile& profile, const RangeTable& ranges,
                 const Observations& observations);

  /// Values whose ranges the layers need, with their channel axes.
  static std::map<std::string, int> values_to_observe(const Graph& graph, const OptimizationProfile& profile);
  /// Ranges of observed values. Values that held nothing finite are left out and reported.
  static RangeTable choose_ranges(const Observations& observations, const CalibrationOptions& options,
                                  const std::string& fingerprint, const Reporter& reporter);

  const std::vector<Layer>& layers() const { return layers_; }
  /// Everything on integers but the raised layers; floats: how everything else is stored.
  PrecisionPlan plan(const std::vector<bool>& raised, DType floats) const;
  int num_balanced() const { return num_balanced_; }

 private:
  void choose_encodings(const RangeTable& ranges);
  void choose_encoding(ValueId group, const RangeTable& ranges);
  void balance(const Observations& observations);
  /// The layer's weights divided by the factors, where there are any.
  Tensor balanced_weights(const Layer& layer, const Tensor& factors) const;
  void quantize_weights_of(size_t layer, const Observations& observations);

  const Graph& graph_;
  EncodingGroups groups_;
  std::vector<Layer> layers_;
  std::vector<LayerPrecision> precisions_;       // by layer
  std::map<ValueId, ValuePrecision> encodings_;  // by group
  int num_balanced_ = 0;
};

}  // namespace burnish
