#include "quantize/equalize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "quantize/random_data.h"

namespace burnish {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::FloatNear;

/// y[O] = W[O][K]·x
std::vector<double> product(const std::vector<float>& w, const std::vector<double>& x) {
  std::vector<double> y(w.size() / x.size());
  for (size_t o = 0; o < y.size(); ++o) {
    for (size_t k = 0; k < x.size(); ++k) y[o] += w[o * x.size() + k] * x[k];
  }
  return y;
}

std::vector<double> two_layers(const std::vector<float>& first, const std::vector<float>& second,
                               const std::vector<double>& x) {
  std::vector<double> hidden = product(first, x);
  for (double& h : hidden) h = std::max(h, 0.0);
  return product(second, hidden);
}

TEST(Equalize, EmptyChannelsKeepOneAndFactorsAreBounded) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_THAT(smooth_factors(std::vector<float>{0, 3, infinity}, std::vector<float>{2, 0, 1}, 0.5F),
              ElementsAre(1, 1, 1));
  EXPECT_THAT(smooth_factors(std::vector<float>{1e20F, 1e-20F}, std::vector<float>{1e-9F, 1e9F}, 0.5F, 8),
              ElementsAre(8, 0.125F));
  EXPECT_THROW(smooth_factors(std::vector<float>{1}, std::vector<float>{1, 2}, 0.5F), Error);
  EXPECT_THROW(smooth_factors(std::vector<float>{1}, std::vector<float>{1}, 0.5F, 0.5F), Error);
}

TEST(Equalize, TheNetworkStaysAndTheRangesMeet) {
  constexpr int64_t kInputs = 5, kHidden = 9, kOutputs = 4;
  std::vector<float> first = normal_data(kHidden * kInputs, 0, 1, 1), second = normal_data(kOutputs * kHidden, 0, 1, 2);
  const ChannelLayout rows = ChannelLayout::of(Shape{kHidden, kInputs}, 0);
  const ChannelLayout columns = ChannelLayout::of(Shape{kOutputs, kHidden}, 1);
  multiply_channels(first.data(), rows, uniform_data(kHidden, 0.01F, 10, 3));
  const std::vector<float> x = normal_data(kInputs, 0, 1, 4);
  const std::vector<double> input(x.begin(), x.end());
  const std::vector<double> before = two_layers(first, second, input);

  const std::vector<float> factors =
      smooth_factors(channel_absmax(first.data(), rows), channel_absmax(second.data(), columns), 0.5F);
  divide_channels(first.data(), rows, factors);
  multiply_channels(second.data(), columns, factors);

  EXPECT_THAT(two_layers(first, second, input), testing::Pointwise(testing::DoubleNear(1e-4), before));
  EXPECT_THAT(channel_absmax(first.data(), rows),
              testing::Pointwise(testing::FloatNear(1e-5F), channel_absmax(second.data(), columns)));
}

TEST(Equalize, SmoothQuantHandComputed) {
  const std::vector<float> inputs{16, 1, 0}, weights{1, 4, 2};
  EXPECT_THAT(smooth_factors(inputs, weights, 0.5F), ElementsAre(FloatEq(4), FloatEq(0.5F), 1));
  EXPECT_THAT(smooth_factors(inputs, weights, 1), ElementsAre(FloatEq(16), FloatEq(1), 1));
  EXPECT_THAT(smooth_factors(inputs, weights, 0), ElementsAre(FloatEq(1), FloatEq(0.25F), 1));
  EXPECT_THAT(smooth_factors(inputs, weights, 1, 5), ElementsAre(5, FloatEq(1), 1));
  EXPECT_THROW(smooth_factors(inputs, weights, 1.5F), Error);
}

TEST(Equalize, SmoothingPreservesTheProduct) {
  std::vector<float> w = normal_data(3 * 8, 0, 1, 1), x = normal_data(8, 0, 1, 2);
  x[3] = 90;
  const ChannelLayout inputs = ChannelLayout::of(Shape{3, 8}, 1), channels = ChannelLayout::of(Shape{8}, 0);
  const std::vector<double> before = product(w, {x.begin(), x.end()});
  const std::vector<float> factors =
      smooth_factors(channel_absmax(x.data(), channels), channel_absmax(w.data(), inputs), 0.5F);
  divide_channels(x.data(), channels, factors);
  multiply_channels(w.data(), inputs, factors);
  EXPECT_THAT(product(w, {x.begin(), x.end()}), testing::Pointwise(testing::DoubleNear(1e-3), before));
  EXPECT_LT(std::abs(x[3]), 30);
}

TEST(Equalize, AlphaWithTheLeastError) {
  const auto error = [](float alpha) { return alpha < 0.25F ? std::nan("") : (alpha - 0.62) * (alpha - 0.62); };
  const AlphaChoice choice = choose_alpha(error, default_alphas());
  EXPECT_FLOAT_EQ(choice.alpha, 0.6F);
  EXPECT_NEAR(choice.error, 4e-4, 1e-6);
  EXPECT_FLOAT_EQ(choose_alpha([](float) { return 1.0; }, default_alphas()).alpha, 0.1F) << "the first of equals";
  EXPECT_THROW(choose_alpha([](float) { return std::nan(""); }, default_alphas()), Error);
  EXPECT_THROW(choose_alpha(error, {}), Error);
  const double least = choice.error;
  EXPECT_EQ(worthwhile_alpha(error, 2 * least), choice.alpha);
  EXPECT_EQ(worthwhile_alpha(error, least), std::nullopt);
  EXPECT_EQ(worthwhile_alpha(error, 0), std::nullopt);
}

}  // namespace
}  // namespace burnish
