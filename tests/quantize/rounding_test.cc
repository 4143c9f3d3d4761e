#include "quantize/rounding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "quantize/random_data.h"

namespace burnish {
namespace {

/// Σₖ (code·scale − weight)·E[xₖ] with one mean for each weight of the row.
double mean_error(const std::vector<float>& weights, const std::vector<float>& row_means, const QuantizedWeights& q,
                  int64_t c) {
  double sum = 0;
  for (int64_t k = 0; k < q.layout.row_size(); ++k) {
    const auto i = static_cast<size_t>(q.layout.index(c, k));
    sum += (static_cast<double>(q.codes[i]) * q.scales[static_cast<size_t>(c)] - weights[i]) *
           row_means[static_cast<size_t>(k)];
  }
  return sum;
}

TEST(Rounding, HandComputed) {
  // Codes 127, 0, 0, 0: every weight is rounded down, the output is 1.3 too low.
  const std::vector<float> weights{127, 0.45F, 0.4F, 0.45F};
  QuantizedWeights q = quantize_weights(weights.data(), ChannelLayout::of(Shape{1, 4}, 0));
  EXPECT_NEAR(bias_correction(weights.data(), {}, q)[0], 1.3, 1e-6);
  EXPECT_EQ(rounding_correction(weights.data(), {}, q), 1);
  EXPECT_THAT(q.codes, testing::ElementsAre(127, 1, 0, 0)) << "the cheapest, and no more than helps";
  EXPECT_NEAR(bias_correction(weights.data(), {}, q)[0], 0.3, 1e-6);
}

TEST(Rounding, InputsThatAreZeroOnAverageDoNotCount) {
  const std::vector<float> weights{127, 0.45F, 0.4F, 0.45F}, means{1, 0, 2, 0};
  QuantizedWeights q = quantize_weights(weights.data(), ChannelLayout::of(Shape{1, 4}, 0));
  EXPECT_NEAR(bias_correction(weights.data(), {means}, q)[0], 0.8, 1e-6);
  EXPECT_EQ(rounding_correction(weights.data(), {means}, q), 0) << "1.2 would be worse";
}

TEST(Rounding, ErrorNeverGrowsAndGetsSmall) {
  const ChannelLayout layout = ChannelLayout::of(Shape{11, 7, 3, 3}, 0);
  for (const WeightRange range : {WeightRange::kAbsMax, WeightRange::kMse}) {
    const std::vector<float> weights = normal_data(layout.num_elements(), 0, 1, 1);
    const std::vector<float> means = uniform_data(7, 0, 2, 2);
    std::vector<float> row_means;
    for (size_t k = 0; k < 63; ++k) row_means.push_back(means[k / 9]);
    const QuantizedWeights before = quantize_weights(weights.data(), layout, {range});
    QuantizedWeights after = before;
    EXPECT_GT(rounding_correction(weights.data(), {means}, after), 0);
    double sum_before = 0, sum_after = 0;
    for (int64_t c = 0; c < 11; ++c) {
      const double b = std::abs(mean_error(weights, row_means, before, c));
      const double a = std::abs(mean_error(weights, row_means, after, c));
      EXPECT_LE(a, b + 1e-6);
      sum_before += b;
      sum_after += a;
      EXPECT_NEAR(bias_correction(weights.data(), {means}, after)[static_cast<size_t>(c)],
                  -mean_error(weights, row_means, after, c), 1e-5);
    }
    EXPECT_LT(sum_after, 0.3 * sum_before);
    for (size_t i = 0; i < after.codes.size(); ++i) EXPECT_LE(std::abs(after.codes[i] - before.codes[i]), 1);
  }
}

TEST(Rounding, CodesStayInRange) {
  const std::vector<float> weights = uniform_data(3 * 500, 0.9F, 1, 1);
  const std::vector<float> means(500, 1.0F);
  QuantizedWeights q = quantize_weights(weights.data(), ChannelLayout::of(Shape{3, 500}, 0), {WeightRange::kMse, 7});
  rounding_correction(weights.data(), {means}, q);
  for (const int8_t code : q.codes) EXPECT_LE(std::abs(code), 7);
}

TEST(Rounding, GroupsHaveTheirOwnInputs) {
  // Two groups of two outputs; the second group's inputs are 0 on average, so nothing is to be done there.
  const std::vector<float> weights = normal_data(4 * 6, 0, 1, 3);
  const std::vector<float> means{1, 2, 3, 0, 0, 0};
  QuantizedWeights q = quantize_weights(weights.data(), ChannelLayout::of(Shape{4, 3, 1, 2}, 0));
  const std::vector<float> correction = bias_correction(weights.data(), {means, 2}, q);
  const std::vector<float> row_means{1, 1, 2, 2, 3, 3};
  for (const int64_t c : {0, 1}) {
    EXPECT_NEAR(correction[static_cast<size_t>(c)], -mean_error(weights, row_means, q, c), 1e-6);
  }
  EXPECT_EQ(correction[2], 0);
  EXPECT_EQ(correction[3], 0);
}

TEST(Rounding, ColumnsOfAMatrix) {
  const std::vector<float> weights = normal_data(9 * 5, 0, 1, 4), means = uniform_data(9, -1, 1, 5);
  const QuantizedWeights q = quantize_weights(weights.data(), ChannelLayout::of(Shape{9, 5}, 1));
  const std::vector<float> correction = bias_correction(weights.data(), {means}, q);
  ASSERT_EQ(correction.size(), 5U);
  for (int64_t c = 0; c < 5; ++c) {
    EXPECT_NEAR(correction[static_cast<size_t>(c)], -mean_error(weights, means, q, c), 1e-6);
  }
}

TEST(Rounding, MeansThatDoNotFitAreRefused) {
  const std::vector<float> weights = normal_data(4 * 6, 0, 1, 3), means(5, 1.0F);
  QuantizedWeights q = quantize_weights(weights.data(), ChannelLayout::of(Shape{4, 6}, 0));
  EXPECT_THROW(bias_correction(weights.data(), {means}, q), Error);
  EXPECT_THROW(rounding_correction(weights.data(), {means, 5}, q), Error);
  EXPECT_THROW(rounding_correction(weights.data(), {means, 0}, q), Error);
}

}  // namespace
}  // namespace burnish
