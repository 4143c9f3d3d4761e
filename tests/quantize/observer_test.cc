#include "quantize/observer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "quantize/random_data.h"

namespace burnish {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// What the observer should say of one channel, element by element.
RowStatistics plain_channel(const std::vector<float>& data, int64_t channels, int64_t inner, int64_t channel) {
  RowStatistics s;
  for (size_t i = 0; i < data.size(); ++i) {
    if (static_cast<int64_t>(i) / inner % channels == channel) s.add(data[i]);
  }
  return s;
}

void expect_channels(const std::vector<float>& data, const Shape& shape, int axis) {
  Observer observer(axis);
  observer.observe(data.data(), shape, shape[0]);
  const int64_t inner = shape.product(axis + 1, shape.rank());
  ASSERT_EQ(observer.channels().size(), static_cast<size_t>(shape[axis]));
  for (int64_t c = 0; c < shape[axis]; ++c) {
    const RowStatistics expected = plain_channel(data, shape[axis], inner, c);
    const RowStatistics& actual = observer.channels()[static_cast<size_t>(c)];
    EXPECT_EQ(actual.min, expected.min);
    EXPECT_EQ(actual.max, expected.max);
    EXPECT_EQ(actual.count, expected.count);
    EXPECT_EQ(actual.num_nan, expected.num_nan);
    EXPECT_EQ(actual.num_infinite, expected.num_infinite);
    EXPECT_NEAR(actual.mean(), expected.mean(), 1e-5);
  }
}

TEST(Observer, HandComputed) {
  Observer observer(1);
  const std::vector<float> data{1, -2, 3, 0, 0, 8};  // [2][3]
  observer.observe(data.data(), Shape{2, 3}, 2);
  EXPECT_EQ(observer.num_samples(), 2);
  EXPECT_EQ(observer.num_elements(), 6);
  EXPECT_EQ(observer.min(), -2);
  EXPECT_EQ(observer.max(), 8);
  EXPECT_EQ(observer.absmax(), 8);
  EXPECT_DOUBLE_EQ(observer.mean(), 10.0 / 6);
  EXPECT_THAT(observer.channel_means(), testing::ElementsAre(0.5F, -1.0F, 5.5F));
  EXPECT_THAT(observer.channel_absmax(), testing::ElementsAre(1, 2, 8));
  ASSERT_EQ(observer.sample_statistics().size(), 2U);
  EXPECT_EQ(observer.sample_statistics()[0].min, -2);
  EXPECT_EQ(observer.sample_statistics()[1].max, 8);
  EXPECT_DOUBLE_EQ(observer.sample_statistics()[1].mean, 8.0 / 3);
  EXPECT_EQ(observer.histogram().num_zeros(), 2);
}

TEST(Observer, ChannelsOfAnyLayout) {
  expect_channels(normal_data(2 * 5 * 67 * 33, 1, 2, 1), Shape{2, 5, 67, 33}, 1);  // long rows
  expect_channels(normal_data(3 * 7 * 3 * 3, 1, 2, 2), Shape{3, 7, 3, 3}, 1);      // short rows
  expect_channels(normal_data(2 * 67 * 131, 1, 2, 3), Shape{2, 67, 131}, 2);       // channels last
  expect_channels(normal_data(2 * 31 * 1, 1, 2, 4), Shape{2, 31, 1}, 2);           // one channel
  expect_channels(normal_data(4 * 1 * 999, 1, 2, 5), Shape{4, 1, 999}, 1);
  expect_channels(normal_data(2 * 3 * 1031, 1, 2, 6), Shape{2, 3, 1031}, 2);  // more columns than a tile
}

TEST(Observer, ChannelsWithNanAndInfinity) {
  for (const int axis : {1, 2}) {
    std::vector<float> data = normal_data(2 * 70 * 90, 1, 2, 1);
    for (size_t i = 5; i < data.size(); i += 1234) data[i] = i % 2 == 0 ? kNan : -kInfinity;
    expect_channels(data, Shape{2, 70, 90}, axis);
  }
}

TEST(Observer, NonFiniteIsCountedAndLeftOut) {
  Observer observer;
  const std::vector<float> data{1, kNan, kInfinity, -kInfinity, 2, kNan};
  observer.observe(data.data(), Shape{6});
  EXPECT_EQ(observer.num_nan(), 2);
  EXPECT_EQ(observer.num_infinite(), 2);
  EXPECT_EQ(observer.num_elements(), 2);
  EXPECT_EQ(observer.max(), 2);
  EXPECT_EQ(observer.min(), 1);
  EXPECT_DOUBLE_EQ(observer.mean(), 1.5);
  EXPECT_EQ(observer.histogram().num_elements(), 2);
}

TEST(Observer, NothingButNan) {
  Observer observer;
  const std::vector<float> data(40, kNan);
  observer.observe(data.data(), Shape{40});
  EXPECT_EQ(observer.num_samples(), 1);
  EXPECT_EQ(observer.num_elements(), 0);
  EXPECT_EQ(observer.min(), 0);
  EXPECT_EQ(observer.max(), 0);
  EXPECT_TRUE(observer.sample_statistics().empty());
}

TEST(Observer, HugeValuesDoNotOverflow) {
  Observer observer;
  const std::vector<float> data(100, 3e38F);
  observer.observe(data.data(), Shape{100});
  EXPECT_EQ(observer.num_infinite(), 0);
  EXPECT_NEAR(observer.mean() / 3e38, 1, 1e-6);
}

TEST(Observer, MergeEqualsObservingBoth) {
  const std::vector<float> a = normal_data(3 * 6 * 50, 0, 1, 1), b = relu(normal_data(2 * 6 * 41, 5, 9, 2));
  Observer first(1), second(1), both(1);
  first.observe(a.data(), Shape{3, 6, 50}, 3);
  second.observe(b.data(), Shape{2, 6, 41}, 2);
  both.observe(a.data(), Shape{3, 6, 50}, 3);
  both.observe(b.data(), Shape{2, 6, 41}, 2);
  first.merge(second);
  EXPECT_EQ(first.num_samples(), 5);
  EXPECT_EQ(first.num_elements(), both.num_elements());
  EXPECT_EQ(first.min(), both.min());
  EXPECT_EQ(first.max(), both.max());
  EXPECT_NEAR(first.mean(), both.mean(), 1e-9);
  EXPECT_EQ(first.sample_statistics().size(), 5U);
  EXPECT_EQ(first.channel_absmax(), both.channel_absmax());
  EXPECT_EQ(first.histogram().num_zeros(), both.histogram().num_zeros());
  for (int i = 0; i < Histogram::kNumBins; ++i) {
    ASSERT_EQ(first.histogram().count(i), both.histogram().count(i));
  }
  Observer none;
  Observer other;
  other.observe(a.data(), Shape{900});
  none.merge(other);
  EXPECT_EQ(none.max(), other.max());
}

TEST(Observer, CountsConstantSlices) {
  Observer observer(1);
  std::vector<float> data = normal_data(2 * 4 * 9, 0, 1, 1);
  std::fill_n(data.begin(), 9, 0.5F);
  std::fill_n(data.begin() + 18, 18, 0.0F);
  observer.observe(data.data(), Shape{2, 4, 3, 3}, 2);
  EXPECT_EQ(observer.slices().num_slices, 8);
  EXPECT_EQ(observer.slices().num_constant, 1);
  EXPECT_EQ(observer.slices().num_zero, 2);
  Observer flat(1);
  flat.observe(data.data(), Shape{2, 36}, 2);
  EXPECT_EQ(flat.slices().num_slices, 0) << "single numbers are always constant";
}

TEST(Observer, SamplesThatCannotBeToldApartCountAsOne) {
  Observer observer;
  const std::vector<float> data = normal_data(7, 0, 1, 1);
  observer.observe(data.data(), Shape{7}, 2);
  EXPECT_EQ(observer.num_samples(), 2);
  EXPECT_EQ(observer.sample_statistics().size(), 1U);
}

TEST(Observer, RefusesAnotherNumberOfChannels) {
  Observer observer(-1);
  const std::vector<float> data(12);
  observer.observe(data.data(), Shape{3, 4});
  try {
    observer.observe(data.data(), Shape{4, 3});
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("3 channels follows one with 4"));
  }
  observer.observe(data.data(), Shape{0, 4});
  EXPECT_EQ(observer.num_elements(), 12);
}

}  // namespace
}  // namespace burnish
