#include "builder/channel_balance.h"

#include <algorithm>
#include <cmath>

#include "quantize/scales.h"

namespace burnish {
namespace {

/// What the expected error needs of one matrix, by input channel k: Σₙ w², and the largest |w| of every column.
struct WeightSummary {
  std::vector<double> row_squares;
  const Tensor* weights;
  ChannelLayout layout;
};

class Balance {
 public:
  Balance(const Observer& observer, const std::vector<const Tensor*>& weights,
          const std::vector<ChannelLayout>& by_input)
      : observer_(observer), input_absmax_(observer.channel_absmax()) {
    weight_absmax_.assign(input_absmax_.size(), 0.0F);
    for (size_t m = 0; m < weights.size(); ++m) add(*weights[m], by_input[m]);
  }

  std::vector<float> factors(float alpha) const {
    std::vector<float> f = smooth_factors(input_absmax_, weight_absmax_, alpha);
    for (float& x : f) x = 1 / x;
    return f;
  }

  Range range(const std::vector<float>& factors) const {
    Range r;
    for (size_t k = 0; k < factors.size(); ++k) {
      const RowStatistics& c = observer_.channels()[k];
      if (c.count == 0) continue;
      r.low = std::min(r.low, c.min * factors[k]);
      r.high = std::max(r.high, c.max * factors[k]);
    }
    return r;
  }

  /// Expected squared error of all products, up to a common factor: steps of the activations meet the weights' squares,
  /// steps of the weights the activations' squares.
  double error(const std::vector<float>& factors, double step) const {
    double total = 0;
    for (const WeightSummary& w : weights_) {
      double weight_squares = 0;
      double input_squares = 0;
      for (size_t k = 0; k < factors.size(); ++k) {
        const double f = factors[k];
        weight_squares += w.row_squares[k] / (f * f);
        input_squares += std::pow(kSpread * f * input_absmax_[k], 2);
      }
      total += step * step * weight_squares + column_steps(w, factors) * input_squares;
    }
    return total;
  }

 private:
  void add(const Tensor& w, const ChannelLayout& layout) {
    WeightSummary summary{std::vector<double>(static_cast<size_t>(layout.channels), 0.0), &w, layout};
    const std::vector<float> absmax = channel_absmax(w.as<float>(), layout);
    for (int64_t k = 0; k < layout.channels; ++k) {
      const auto at = static_cast<size_t>(k);
      weight_absmax_[at] = std::max(weight_absmax_[at], absmax[at]);
      for (const float x : layout.row(w.as<float>(), k)) summary.row_squares[at] += double{x} * x;
    }
    weights_.push_back(std::move(summary));
  }

  /// Σₙ of the squared steps of the columns when the rows are divided by the factors.
  static double column_steps(const WeightSummary& w, const std::vector<float>& factors) {
    std::vector<float> largest(static_cast<size_t>(w.layout.row_size()), 0.0F);
    for (int64_t k = 0; k < w.layout.channels; ++k) {
      for (int64_t n = 0; n < w.layout.row_size(); ++n) {
        float& l = largest[static_cast<size_t>(n)];
        l = std::max(l, std::fabs(w.weights->as<float>()[w.layout.index(k, n)]) / factors[static_cast<size_t>(k)]);
      }
    }
    double steps = 0;
    for (const float l : largest) steps += double{l} * l / (127.0 * 127.0);
    return steps;
  }

  const Observer& observer_;
  std::vector<float> input_absmax_, weight_absmax_;
  std::vector<WeightSummary> weights_;
};

double step_of(const Range& range) {
  return (double{range.high} - range.low) / 255;
}

}  // namespace

std::optional<BalancedValue> balance_channels(const Observer& observer, const Encoding& plain,
                                              const std::vector<const Tensor*>& weights,
                                              const std::vector<ChannelLayout>& by_input) {
  const size_t channels = observer.channels().size();
  for (const ChannelLayout& layout : by_input) {
    if (static_cast<size_t>(layout.channels) != channels) return std::nullopt;
  }
  if (weights.empty() || channels < 2 || observer.absmax() == 0) return std::nullopt;
  const Balance balance(observer, weights, by_input);
  const auto error_of = [&](float alpha) {
    const std::vector<float> f = balance.factors(alpha);
    return balance.error(f, step_of(balance.range(f)));
  };
  const auto alpha = worthwhile_alpha(error_of, balance.error(std::vector<float>(channels, 1.0F), plain.scale));
  if (!alpha) return std::nullopt;
  const std::vector<float> factors = balance.factors(*alpha);
  const ScaleAndZero s = uint8_scale(balance.range(factors));
  return BalancedValue{{DType::kUInt8, s.scale, s.zero}, factors};
}

}  // namespace burnish
