#pragma once
// Moving magnitude between neighbouring tensors before quantising, without changing what the network computes.
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "quantize/scales.h"

namespace burnish {

/// What expected errors reckon with: the standard deviation of a bell-shaped channel, as a share of its largest
/// magnitude.
inline constexpr double kSpread = 0.25;

/// Factors stay within [1/bound, bound].
inline constexpr float kFactorBound = 1e3F;

/// SmoothQuant: sⱼ = max|Xⱼ|^α / max|Wⱼ|^(1−α) for each input channel j of a matrix product; divide the activations by
/// sⱼ (in the operator before) and multiply the weights of input j with it. α from 0 (activations stay wide) to 1.
/// Channels that are zero on one side, or no numbers, keep 1. With α = 0.5 on the weights into and out of channels
/// between two layers this is cross-layer equalisation: both sides then reach the same.
/// Sources: G. Xiao et al., SmoothQuant, ICML 2023; M. Nagel et al., Data-Free Quantization Through Weight Equalization
/// and Bias Correction, ICCV 2019.
std::vector<float> smooth_factors(std::span<const float> input_absmax, std::span<const float> weight_absmax,
                                  float alpha, float bound = kFactorBound);

/// The α of the grid for which error(α) is least, the first of equals; NaN never wins.
struct AlphaChoice {
  float alpha;
  double error;
};
/// Throws kInvalidArgument when no α has an error that is a number.
AlphaChoice choose_alpha(const std::function<double(float alpha)>& error, std::span<const float> alphas);
/// 0.1, 0.2, … 0.9
std::vector<float> default_alphas();
/// The best of these where its error is well below that of leaving all as it is: a smaller gain is not worth other
/// numbers than the model's, nor the multiplications.
std::optional<float> worthwhile_alpha(const std::function<double(float alpha)>& error, double unchanged);

/// The greatest absolute weight of every channel along the layout's axis.
std::vector<float> channel_absmax(const float* weights, const ChannelLayout& layout);
/// Multiplies, or divides, every channel along the layout's axis by its factor.
void multiply_channels(float* weights, const ChannelLayout& layout, std::span<const float> factors);
void divide_channels(float* weights, const ChannelLayout& layout, std::span<const float> factors);

}  // namespace burnish
