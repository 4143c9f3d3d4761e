#include "quantize/equalize.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace burnish {
namespace {

/// f(weight, channel) for every weight, in order.
template <typename Weight, typename F>
void for_each_weight(Weight* weights, const ChannelLayout& layout, const F& f) {
  for (int64_t o = 0; o < layout.outer; ++o) {
    for (int64_t c = 0; c < layout.channels; ++c) {
      for (int64_t i = 0; i < layout.inner; ++i) f(*weights++, static_cast<size_t>(c));
    }
  }
}

void check_factors(const ChannelLayout& layout, std::span<const float> factors) {
  check(static_cast<int64_t>(factors.size()) == layout.channels, ErrorCode::kInvalidArgument,
        "{} factors for {} channels", factors.size(), layout.channels);
}

}  // namespace

std::vector<float> smooth_factors(std::span<const float> input_absmax, std::span<const float> weight_absmax,
                                  float alpha, float bound) {
  check(alpha >= 0 && alpha <= 1, ErrorCode::kInvalidArgument, "alpha {}: 0 to 1 is possible", alpha);
  check(input_absmax.size() == weight_absmax.size(), ErrorCode::kInvalidArgument,
        "{} channels on one side and {} on the other: both must have as many", input_absmax.size(),
        weight_absmax.size());
  check(bound >= 1, ErrorCode::kInvalidArgument, "a bound of {} on equalisation factors: at least 1 is needed", bound);
  std::vector<float> factors;
  for (size_t j = 0; j < input_absmax.size(); ++j) {
    const double x = input_absmax[j], w = weight_absmax[j];
    const bool usable = x > 0 && w > 0 && std::isfinite(x) && std::isfinite(w);
    const double f = usable ? std::pow(x, alpha) / std::pow(w, 1 - alpha) : 1.0;
    factors.push_back(static_cast<float>(std::clamp<double>(f, 1.0 / bound, bound)));
  }
  return factors;
}

AlphaChoice choose_alpha(const std::function<double(float alpha)>& error, std::span<const float> alphas) {
  AlphaChoice best{0, std::numeric_limits<double>::quiet_NaN()};
  for (const float alpha : alphas) {
    const double e = error(alpha);
    if (e < best.error || (std::isnan(best.error) && !std::isnan(e))) best = {alpha, e};
  }
  check(!std::isnan(best.error), ErrorCode::kInvalidArgument,
        "none of {} values of alpha has an error that is a number", alphas.size());
  return best;
}

std::vector<float> default_alphas() {
  std::vector<float> alphas;
  for (int i = 1; i <= 9; ++i) alphas.push_back(static_cast<float>(i) / 10);
  return alphas;
}

std::optional<float> worthwhile_alpha(const std::function<double(float alpha)>& error, double unchanged) {
  constexpr double kWorthwhile = 0.8;
  if (!(unchanged > 0)) return std::nullopt;
  const AlphaChoice best = choose_alpha(error, default_alphas());
  return best.error < kWorthwhile * unchanged ? std::optional(best.alpha) : std::nullopt;
}

std::vector<float> channel_absmax(const float* weights, const ChannelLayout& layout) {
  std::vector<float> absmax(static_cast<size_t>(layout.channels));
  for_each_weight(weights, layout, [&](float w, size_t c) { absmax[c] = std::max(absmax[c], std::abs(w)); });
  return absmax;
}

void multiply_channels(float* weights, const ChannelLayout& layout, std::span<const float> factors) {
  check_factors(layout, factors);
  for_each_weight(weights, layout, [&](float& w, size_t c) { w *= factors[c]; });
}

void divide_channels(float* weights, const ChannelLayout& layout, std::span<const float> factors) {
  check_factors(layout, factors);
  for_each_weight(weights, layout, [&](float& w, size_t c) { w /= factors[c]; });
}

}  // namespace burnish
