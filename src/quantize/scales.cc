#include "quantize/scales.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace burnish {
namespace {

constexpr float kLeastScale = std::numeric_limits<float>::min();
// The grid of the search by squared error: 1, 1 − 1/40, … 1/2 of the absolute maximum.
constexpr int kGridSteps = 20;

/// For |x| < 2²²; vectorises where std::nearbyint does not.
float round_to_even(float x) {
  constexpr float kMagic = 12582912.0F;  // 1.5·2²³: the unit in the last place is 1
  return (x + kMagic) - kMagic;
}

float code_of(float weight, float scale, float bound) {
  const float q = round_to_even(weight / scale);
  const float low = q > -bound ? q : -bound;
  return low < bound ? low : bound;
}

double squared_error(const std::vector<float>& row, float scale, float bound) {
  constexpr size_t kLanes = 8;
  std::array<float, kLanes> sums{};
  const size_t even = row.size() / kLanes * kLanes;
  const auto error = [&](float w) {
    const float d = code_of(w, scale, bound) - w / scale;
    return d * d;
  };
  for (size_t i = 0; i < even; i += kLanes) {
    for (size_t l = 0; l < kLanes; ++l) sums[l] += error(row[i + l]);
  }
  double sum = 0;
  for (const float s : sums) sum += s;
  for (size_t i = even; i < row.size(); ++i) sum += error(row[i]);
  return sum * scale * scale;
}

float absmax_of(const std::vector<float>& row, int64_t channel) {
  float absmax = 0;
  for (const float w : row) {
    check(std::isfinite(w), ErrorCode::kInvalidArgument, "a weight of output channel {} is {}", channel, w);
    absmax = std::max(absmax, std::abs(w));
  }
  return absmax;
}

float choose_scale(const std::vector<float>& row, float absmax, const WeightOptions& options) {
  if (absmax == 0) return 1;
  const auto bound = static_cast<float>(options.max_code);
  const float widest = std::max(absmax / bound, kLeastScale);
  if (options.range == WeightRange::kAbsMax) return widest;
  float best = widest;
  double least = squared_error(row, widest, bound);
  for (int i = 1; i <= kGridSteps; ++i) {
    const float scale = std::max(widest * (1 - static_cast<float>(i) / (2 * kGridSteps)), kLeastScale);
    const double error = squared_error(row, scale, bound);
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

}  // namespace

ScaleAndZero uint8_scale(Range range, bool symmetric) {
  check(std::isfinite(range.low) && std::isfinite(range.high) && range.low <= range.high, ErrorCode::kInvalidArgument,
        "range [{}, {}]: finite ends in ascending order are needed", range.low, range.high);
  const double low = std::min(range.low, 0.0F), high = std::max(range.high, 0.0F);
  const double width = symmetric ? std::max(-low, high) / 127 : (high - low) / 255;
  if (width == 0) return {1, symmetric ? 128 : 0};
  const float scale = std::max(static_cast<float>(width), kLeastScale);
  return {scale, symmetric ? 128 : static_cast<int32_t>(std::clamp(std::nearbyint(-low / scale), 0.0, 255.0))};
}

ChannelLayout ChannelLayout::of(const Shape& shape, int axis) {
  const int a = normalize_axis(axis, shape.rank());
  return {shape.product(0, a), shape[a], shape.product(a + 1, shape.rank())};
}

std::vector<float> ChannelLayout::row(const float* data, int64_t c) const {
  std::vector<float> values;
  values.reserve(static_cast<size_t>(row_size()));
  for (int64_t o = 0; o < outer; ++o) {
    const float* from = data + (o * channels + c) * inner;
    values.insert(values.end(), from, from + inner);
  }
  return values;
}

QuantizedWeights quantize_weights(const float* weights, const ChannelLayout& layout, const WeightOptions& options) {
  check(options.max_code >= 1 && options.max_code <= 127, ErrorCode::kInvalidArgument,
        "weight codes up to {}: 1 to 127 are possible", options.max_code);
  QuantizedWeights result{layout, options.max_code, {}, {}};
  result.codes.resize(static_cast<size_t>(layout.num_elements()));
  const auto bound = static_cast<float>(options.max_code);
  for (int64_t c = 0; c < layout.channels; ++c) {
    const std::vector<float> row = layout.row(weights, c);
    const float scale = choose_scale(row, absmax_of(row, c), options);
    result.scales.push_back(scale);
    for (int64_t k = 0; k < layout.row_size(); ++k) {
      result.codes[static_cast<size_t>(layout.index(c, k))] =
          static_cast<int8_t>(code_of(row[static_cast<size_t>(k)], scale, bound));
    }
  }
  return result;
}

}  // namespace burnish
