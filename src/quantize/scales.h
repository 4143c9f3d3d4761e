#pragma once
// From ranges to scales: UINT8 activations with a zero point, INT8 weights with a scale for each output channel.
#include <cstdint>
#include <vector>

#include "base/shape.h"
#include "quantize/range.h"

namespace burnish {

/// q stands for scale·(q − zero).
struct ScaleAndZero {
  float scale = 1;
  int32_t zero = 0;
  bool operator==(const ScaleAndZero&) const = default;
};

/// For UINT8, so that 0 is exact: a range that leaves 0 out is widened to it, and the ends give way by up to half a
/// step. Symmetric: zero is 128 and the scale absmax/127. An empty range gives scale 1. Throws kInvalidArgument unless
/// low ≤ high are finite.
ScaleAndZero uint8_scale(Range range, bool symmetric = false);

/// Where the weights of one output channel lie: element k of channel c of a dense tensor that is [outer][channels]
/// [inner], k running over outer, then inner.
struct ChannelLayout {
  int64_t outer = 1;
  int64_t channels = 1;
  int64_t inner = 1;
  /// OIHW filters have axis 0, a matrix [K, N] has axis 1. Throws kInvalidArgument for an axis that shape lacks.
  static ChannelLayout of(const Shape& shape, int axis);
  /// Weights of one channel.
  int64_t row_size() const { return outer * inner; }
  int64_t num_elements() const { return outer * channels * inner; }
  int64_t index(int64_t c, int64_t k) const { return (k / inner * channels + c) * inner + k % inner; }
  std::vector<float> row(const float* data, int64_t c) const;
};

enum class WeightRange {
  kAbsMax,  ///< Nothing is clipped.
  kMse,     ///< The scale, out of a grid down to half of that, with the least squared error of the channel's weights.
};

struct WeightOptions {
  WeightRange range = WeightRange::kAbsMax;
  /// Codes are −max_code … max_code, 1 … 127; less than 127 for kernels whose 16-bit sums would saturate.
  int max_code = 127;
};

struct QuantizedWeights {
  ChannelLayout layout;
  int max_code = 127;
  std::vector<int8_t> codes;  ///< In the order of the weights.
  std::vector<float> scales;  ///< One a channel; positive, 1 for channels of zeros.
};

/// To the nearest code, ties to even. Throws kInvalidArgument naming the channel of a NaN or an infinity.
QuantizedWeights quantize_weights(const float* weights, const ChannelLayout& layout, const WeightOptions& options = {});

}  // namespace burnish
