#include "builder/layer_quantizer.h"

#include <algorithm>
#include <cmath>

#include "builder/channel_balance.h"
#include "ops/fused.h"
#include "quantize/rounding.h"

namespace burnish {
namespace {

/// Members of a group that something computes, or that are inputs: all others hold elements of these.
std::vector<ValueId> sources_of(const Graph& graph, const EncodingGroups& groups, ValueId group) {
  std::vector<ValueId> sources;
  for (ValueId v : groups.members(group)) {
    const Node* producer = graph.producer(v);
    if (producer == nullptr || !is_transparent(graph, *producer)) sources.push_back(v);
  }
  return sources;
}

Tensor tensor_of(const std::vector<float>& values) {
  return Tensor::from_floats(values);
}

/// Of what a layer reads: the observed means, times the factors that its channels are balanced with.
std::vector<float> input_means(const Observer& observer, const Tensor& factors) {
  std::vector<float> means = observer.channel_means();
  for (size_t k = 0; factors.defined() && k < means.size(); ++k) means[k] *= factors.as<float>()[k];
  return means;
}

/// bias + alpha·correction; an undefined bias is 0.
Tensor corrected(const Tensor& bias, std::vector<float> correction, float alpha) {
  for (size_t c = 0; c < correction.size(); ++c) {
    correction[c] = (bias.defined() ? bias.as<float>()[c] : 0.0F) + alpha * correction[c];
  }
  return tensor_of(correction);
}

}  // namespace

std::map<std::string, int> LayerQuantizer::values_to_observe(const Graph& graph, const OptimizationProfile& profile) {
  const EncodingGroups groups(graph);
  std::map<std::string, int> axes;
  for (const Layer& layer : find_layers(graph, profile)) {
    for (ValueId v : sources_of(graph, groups, groups.group_of(layer.input))) {
      axes.try_emplace(graph.value(v).name, v == layer.input ? layer.input_channel_axis : -1);
    }
    if (layer.residual != kNoValue) axes.try_emplace(graph.value(layer.residual).name, -1);
  }
  return axes;
}

RangeTable LayerQuantizer::choose_ranges(const Observations& observations, const CalibrationOptions& options,
                                         const std::string& fingerprint, const Reporter& reporter) {
  RangeTable table(fingerprint);
  for (const auto& [name, observer] : observations) {
    if (observer.num_elements() == 0) {
      reporter.log(LogLevel::kWarning, fmt::format("calibration saw no finite number in '{}'", name));
      continue;
    }
    table.set(name, {choose_range(observer, options), observer.num_samples(), options.calibrator});
  }
  return table;
}

LayerQuantizer::LayerQuantizer(const Graph& graph, const OptimizationProfile& profile, const RangeTable& ranges,
                               const Observations& observations)
    : graph_(graph), groups_(graph), layers_(find_layers(graph, profile)) {
  choose_encodings(ranges);
  std::erase_if(layers_, [&](const Layer& l) { return !encodings_.contains(groups_.group_of(l.input)); });
  balance(observations);
  precisions_.resize(layers_.size());
  for (size_t i = 0; i < layers_.size(); ++i) quantize_weights_of(i, observations);
}

void LayerQuantizer::choose_encodings(const RangeTable& ranges) {
  for (const Layer& layer : layers_) {
    for (ValueId v : {layer.input, layer.residual}) {
      if (v != kNoValue) choose_encoding(groups_.group_of(v), ranges);
    }
  }
}

void LayerQuantizer::choose_encoding(ValueId group, const RangeTable& ranges) {
  if (group == kNoValue || encodings_.contains(group)) return;
  std::optional<Range> range;
  for (ValueId v : sources_of(graph_, groups_, group)) {
    const TensorRange* found = ranges.find(graph_.value(v).name);
    if (found == nullptr) return;
    if (!range) range = found->range;
    range->low = std::min(range->low, found->range.low);
    range->high = std::max(range->high, found->range.high);
  }
  if (!range) return;
  const ScaleAndZero s = uint8_scale(*range);
  encodings_[group] = {{DType::kUInt8, s.scale, s.zero}, {}};
}

void LayerQuantizer::balance(const Observations& observations) {
  for (auto& [group, precision] : encodings_) {
    if (groups_.members(group).size() != 1) continue;
    const auto observer = observations.find(graph_.value(group).name);
    if (observer == observations.end()) continue;
    std::vector<const Tensor*> weights;
    std::vector<ChannelLayout> by_input;
    bool products = true;
    for (const Layer& l : layers_) {
      if (groups_.group_of(l.input) != group) continue;
      const Tensor& w = graph_.value(graph_.node(l.node).input(kFusedWeights)).constant;
      products = products && l.op == kFusedMatMul;
      weights.push_back(&w);
      by_input.push_back(ChannelLayout::of(w.shape(), 1 - l.channel_axis));
    }
    if (!products || weights.empty()) continue;
    const auto balanced = balance_channels(observer->second, precision.encoding, weights, by_input);
    if (!balanced) continue;
    precision = {balanced->encoding, tensor_of(balanced->factors)};
    ++num_balanced_;
  }
}

Tensor LayerQuantizer::balanced_weights(const Layer& layer, const Tensor& factors) const {
  Tensor w = graph_.value(graph_.node(layer.node).input(kFusedWeights)).constant.clone();
  if (!factors.defined()) return w;
  divide_channels(w.as<float>(), ChannelLayout::of(w.shape(), 1 - layer.channel_axis),
                  {factors.as<float>(), static_cast<size_t>(factors.num_elements())});
  return w;
}

void LayerQuantizer::quantize_weights_of(size_t i, const Observations& observations) {
  const Layer& layer = layers_[i];
  const Node& node = graph_.node(layer.node);
  const Tensor& factors = encodings_.at(groups_.group_of(layer.input)).factors;
  const Tensor w = balanced_weights(layer, factors);
  QuantizedWeights q =
      quantize_weights(w.as<float>(), ChannelLayout::of(w.shape(), layer.channel_axis), {WeightRange::kMse});
  LayerPrecision& precision = precisions_[i];
  if (node.input(kFusedBias) != kNoValue) precision.bias = graph_.value(node.input(kFusedBias)).constant;
  const auto observer = observations.find(graph_.value(layer.input).name);
  if (observer != observations.end()) {
    const std::vector<float> means = input_means(observer->second, factors);
    const InputMeans input{means, layer.groups};
    rounding_correction(w.as<float>(), input, q);
    const float alpha = node.attrs.get_float("alpha", 1);
    precision.bias = corrected(precision.bias, bias_correction(w.as<float>(), input, q), alpha);
  }
  precision.weights = Tensor(DType::kInt8, w.shape());
  std::copy(q.codes.begin(), q.codes.end(), precision.weights.as<int8_t>());
  precision.weight_scales = tensor_of(q.scales);
}

PrecisionPlan LayerQuantizer::plan(const std::vector<bool>& raised, DType floats) const {
  PrecisionPlan plan;
  plan.floats = floats;
  for (size_t i = 0; i < layers_.size(); ++i) {
    if (raised[i]) continue;
    plan.layers.emplace(layers_[i].output, precisions_[i]);
    const ValueId group = groups_.group_of(layers_[i].input);
    for (ValueId v : groups_.members(group)) plan.values[graph_.value(v).name] = encodings_.at(group);
  }
  for (size_t i = 0; i < layers_.size(); ++i) {
    const ValueId v = layers_[i].residual;
    if (raised[i] || v == kNoValue || !plan.layers.contains(graph_.value(v).name)) continue;
    if (const auto it = encodings_.find(v); it != encodings_.end()) plan.values[graph_.value(v).name] = it->second;
  }
  return plan;
}

}  // namespace burnish
