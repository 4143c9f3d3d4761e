#include "quantize/scales.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "quantize/random_data.h"

namespace burnish {
namespace {

double weight_error(const std::vector<float>& weights, const QuantizedWeights& q) {
  double sum = 0;
  for (int64_t c = 0; c < q.layout.channels; ++c) {
    for (int64_t k = 0; k < q.layout.row_size(); ++k) {
      const auto i = static_cast<size_t>(q.layout.index(c, k));
      const double d = static_cast<double>(q.codes[i]) * q.scales[static_cast<size_t>(c)] - weights[i];
      sum += d * d;
    }
  }
  return sum;
}

TEST(Scales, Uint8HandComputed) {
  EXPECT_EQ(uint8_scale({0, 255}), (ScaleAndZero{1, 0}));
  EXPECT_EQ(uint8_scale({-51, 204}), (ScaleAndZero{1, 51}));
  EXPECT_EQ(uint8_scale({-255, 0}), (ScaleAndZero{1, 255}));
  EXPECT_EQ(uint8_scale({-127, 100}, true), (ScaleAndZero{1, 128}));
  EXPECT_EQ(uint8_scale({-0.1F, 254}, true), (ScaleAndZero{2, 128}));
}

TEST(Scales, RangesAreWidenedToZero) {
  EXPECT_EQ(uint8_scale({100, 255}), uint8_scale({0, 255}));
  EXPECT_EQ(uint8_scale({-255, -3}), uint8_scale({-255, 0}));
}

TEST(Scales, EmptyAndExtremeRanges) {
  EXPECT_EQ(uint8_scale({0, 0}), (ScaleAndZero{1, 0}));
  EXPECT_EQ(uint8_scale({0, 0}, true), (ScaleAndZero{1, 128}));
  const ScaleAndZero tiny = uint8_scale({-1e-45F, 1e-45F});
  EXPECT_GT(tiny.scale, 0);
  EXPECT_TRUE(std::isfinite(1 / tiny.scale));
  EXPECT_TRUE(std::isfinite(uint8_scale({-3e38F, 3e38F}).scale));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(uint8_scale({nan, 1}), Error);
  EXPECT_THROW(uint8_scale({0, std::numeric_limits<float>::infinity()}), Error);
  EXPECT_THROW(uint8_scale({2, 1}), Error);
}

TEST(Scales, TheEndsGiveWayByHalfAStep) {
  const std::vector<float> ends = uniform_data(400, 0, 10, 1);
  for (size_t i = 0; i + 1 < ends.size(); i += 2) {
    const auto [scale, zero] = uint8_scale({-ends[i], ends[i + 1]});
    EXPECT_GE(zero, 0);
    EXPECT_LE(zero, 255);
    EXPECT_NEAR(-scale * static_cast<float>(zero), -ends[i], 0.501 * scale);
    EXPECT_NEAR(scale * static_cast<float>(255 - zero), ends[i + 1], 0.501 * scale);
  }
}

TEST(Scales, LayoutsIndexLikeTheirShapes) {
  const ChannelLayout rows = ChannelLayout::of(Shape{4, 3, 2, 2}, 0);
  EXPECT_EQ(rows.row_size(), 12);
  EXPECT_EQ(rows.index(2, 5), 29);
  const ChannelLayout columns = ChannelLayout::of(Shape{5, 7}, 1);
  EXPECT_EQ(columns.index(3, 2), 2 * 7 + 3);
  const ChannelLayout middle = ChannelLayout::of(Shape{3, 4, 5}, -2);
  EXPECT_EQ(middle.index(1, 7), 1 * 20 + 1 * 5 + 2);
  const std::vector<float> data = uniform_data(60, 0, 1, 1);
  const std::vector<float> row = middle.row(data.data(), 1);
  for (int64_t k = 0; k < 15; ++k) {
    EXPECT_EQ(row[static_cast<size_t>(k)], data[static_cast<size_t>(middle.index(1, k))]);
  }
}

TEST(Scales, WeightsHandComputed) {
  const std::vector<float> weights{127, -2.4F, 0.5F, 1.5F, -254, 3, 1, 0, 0, 0, 0, 0};
  const QuantizedWeights q = quantize_weights(weights.data(), ChannelLayout::of(Shape{3, 4}, 0));
  EXPECT_THAT(q.scales, testing::ElementsAre(1, 2, 1));
  EXPECT_THAT(q.codes, testing::ElementsAre(127, -2, 0, 2, -127, 2, 0, 0, 0, 0, 0, 0)) << "ties to even";
}

TEST(Scales, ColumnsEqualTransposedRows) {
  const std::vector<float> rows = normal_data(7 * 13, 0, 1, 1);
  std::vector<float> columns(rows.size());
  for (size_t r = 0; r < 7; ++r) {
    for (size_t k = 0; k < 13; ++k) columns[k * 7 + r] = rows[r * 13 + k];
  }
  const QuantizedWeights a = quantize_weights(rows.data(), ChannelLayout::of(Shape{7, 13}, 0));
  const QuantizedWeights b = quantize_weights(columns.data(), ChannelLayout::of(Shape{13, 7}, 1));
  EXPECT_EQ(a.scales, b.scales);
  for (int64_t c = 0; c < 7; ++c) {
    for (int64_t k = 0; k < 13; ++k) {
      EXPECT_EQ(a.codes[static_cast<size_t>(a.layout.index(c, k))], b.codes[static_cast<size_t>(b.layout.index(c, k))]);
    }
  }
}

TEST(Scales, SmallerCodesKeepTheirBound) {
  const std::vector<float> weights = normal_data(5 * 101, 0, 1, 1);
  const QuantizedWeights q = quantize_weights(weights.data(), ChannelLayout::of(Shape{5, 101}, 0), {.max_code = 63});
  for (const int8_t code : q.codes) EXPECT_LE(std::abs(code), 63);
  EXPECT_EQ(*std::max_element(q.codes.begin(), q.codes.end()), 63);
}

TEST(Scales, MseIsNeverWorseAndClipsOutliers) {
  std::vector<float> weights = laplace_data(16 * 4001, 1, 1);
  weights[5] = 15;
  const ChannelLayout layout = ChannelLayout::of(Shape{16, 4001}, 0);
  for (const int max_code : {7, 127}) {
    const QuantizedWeights plain = quantize_weights(weights.data(), layout, {WeightRange::kAbsMax, max_code});
    const QuantizedWeights best = quantize_weights(weights.data(), layout, {WeightRange::kMse, max_code});
    EXPECT_LE(weight_error(weights, best), weight_error(weights, plain));
    for (size_t c = 0; c < 16; ++c) EXPECT_LE(best.scales[c], plain.scales[c]);
  }
  const QuantizedWeights coarse = quantize_weights(weights.data(), layout, {WeightRange::kMse, 7});
  EXPECT_LT(coarse.scales[0], 0.8F * 15 / 7);
}

TEST(Scales, TinyWeights) {
  const std::vector<float> weights{1e-45F, -1e-44F, 1e-40F};
  for (const WeightRange range : {WeightRange::kAbsMax, WeightRange::kMse}) {
    const QuantizedWeights q = quantize_weights(weights.data(), ChannelLayout::of(Shape{1, 3}, 0), {range});
    EXPECT_TRUE(std::isfinite(1 / q.scales[0]));
    EXPECT_GT(q.scales[0], 0);
  }
}

TEST(Scales, NanWeightsAreNamed) {
  std::vector<float> weights(12);
  weights[9] = std::numeric_limits<float>::quiet_NaN();
  try {
    quantize_weights(weights.data(), ChannelLayout::of(Shape{3, 4}, 0));
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("output channel 2 is nan"));
  }
}

}  // namespace
}  // namespace burnish
