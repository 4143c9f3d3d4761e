#include "quantize/rounding.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace burnish {
namespace {

/// A weight that could be rounded the other way.
struct Flip {
  int64_t k;
  int step;       ///< What is added to its code: 1 or −1.
  double change;  ///< Of the channel's mean error.
  double price;   ///< Squared weight error gained, in codes, for each unit of |change|.
};

/// Strict order, so that the same weights are flipped every time.
bool is_dearer(const Flip& a, const Flip& b) {
  return a.price != b.price ? a.price > b.price : a.k > b.k;
}

/// One channel of a layer.
class Row {
 public:
  Row(const float* weights, const InputMeans& means, const QuantizedWeights& quantized, int64_t channel)
      : layout_(quantized.layout),
        channel_(channel),
        scale_(quantized.scales[static_cast<size_t>(channel)]),
        weights_(layout_.row(weights, channel)) {
    if (means.values.empty()) return;
    const size_t n = means.values.size() / static_cast<size_t>(means.groups);
    means_ = means.values.subspan(static_cast<size_t>(channel / (layout_.channels / means.groups)) * n, n);
  }

  size_t code_index(int64_t k) const { return static_cast<size_t>(layout_.index(channel_, k)); }
  double mean(int64_t k) const {
    const auto n = static_cast<int64_t>(means_.size());
    return n == 0 ? 1 : means_[static_cast<size_t>(k / (layout_.row_size() / n))];
  }
  /// Weight minus what its code stands for, in codes.
  double residual(int64_t k, int8_t code) const { return weights_[static_cast<size_t>(k)] / scale_ - code; }
  double mean_error(const QuantizedWeights& quantized) const;
  /// Those that lessen the error, as a heap with the cheapest on top: few of many are needed.
  std::vector<Flip> flips(const QuantizedWeights& quantized, double error) const;

 private:
  const ChannelLayout& layout_;
  int64_t channel_;
  double scale_;
  std::vector<float> weights_;
  std::span<const float> means_;
};

double Row::mean_error(const QuantizedWeights& quantized) const {
  double error = 0;
  for (int64_t k = 0; k < layout_.row_size(); ++k) error -= residual(k, quantized.codes[code_index(k)]) * mean(k);
  return error * scale_;
}

std::vector<Flip> Row::flips(const QuantizedWeights& quantized, double error) const {
  std::vector<Flip> flips;
  for (int64_t k = 0; k < layout_.row_size(); ++k) {
    const int8_t code = quantized.codes[code_index(k)];
    const double r = residual(k, code);
    const int step = r > 0 ? 1 : -1;
    const double change = step * scale_ * mean(k);
    if (r == 0 || std::abs(code + step) > quantized.max_code || change * error >= 0) continue;
    flips.push_back({k, step, change, (1 - 2 * std::abs(r)) / std::abs(change)});
  }
  std::make_heap(flips.begin(), flips.end(), is_dearer);
  return flips;
}

void check_means(const ChannelLayout& layout, const InputMeans& means) {
  const auto n = static_cast<int64_t>(means.values.size());
  const bool groups_fit = means.groups >= 1 && n % means.groups == 0 && layout.channels % means.groups == 0;
  const bool fits = n == 0 || (groups_fit && layout.row_size() % std::max<int64_t>(n / means.groups, 1) == 0);
  check(fits, ErrorCode::kInvalidArgument,
        "{} input means in {} groups do not fit {} output channels of {} weights: give one mean for each input channel",
        n, means.groups, layout.channels, layout.row_size());
}

int64_t correct_row(const Row& row, QuantizedWeights& quantized) {
  double error = row.mean_error(quantized), least_change = std::numeric_limits<double>::infinity();
  std::vector<Flip> flips = row.flips(quantized, error);
  for (const Flip& flip : flips) least_change = std::min(least_change, std::abs(flip.change));
  int64_t num_flipped = 0;
  while (!flips.empty() && least_change < 2 * std::abs(error)) {
    std::pop_heap(flips.begin(), flips.end(), is_dearer);
    const Flip flip = flips.back();
    flips.pop_back();
    if (std::abs(error + flip.change) >= std::abs(error)) continue;
    error += flip.change;
    int8_t& code = quantized.codes[row.code_index(flip.k)];
    code = static_cast<int8_t>(code + flip.step);
    ++num_flipped;
  }
  return num_flipped;
}

}  // namespace

int64_t rounding_correction(const float* weights, const InputMeans& means, QuantizedWeights& quantized) {
  check_means(quantized.layout, means);
  int64_t num_flipped = 0;
  for (int64_t c = 0; c < quantized.layout.channels; ++c) {
    num_flipped += correct_row(Row(weights, means, quantized, c), quantized);
  }
  return num_flipped;
}

std::vector<float> bias_correction(const float* weights, const InputMeans& means, const QuantizedWeights& quantized) {
  check_means(quantized.layout, means);
  std::vector<float> correction;
  for (int64_t c = 0; c < quantized.layout.channels; ++c) {
    correction.push_back(static_cast<float>(-Row(weights, means, quantized, c).mean_error(quantized)));
  }
  return correction;
}

}  // namespace burnish
