#include "quantize/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "quantize/random_data.h"

namespace burnish {
namespace {

void add(Histogram& histogram, const std::vector<float>& data) {
  const auto [low, high] = std::minmax_element(data.begin(), data.end());
  histogram.add(data, *low, *high);
}

Histogram histogram_of(const std::vector<float>& data) {
  Histogram histogram;
  add(histogram, data);
  return histogram;
}

void expect_same(const Histogram& a, const Histogram& b) {
  EXPECT_EQ(a.bin_width(), b.bin_width());
  EXPECT_EQ(a.num_elements(), b.num_elements());
  EXPECT_EQ(a.num_zeros(), b.num_zeros());
  for (int i = 0; i < Histogram::kNumBins; ++i) {
    ASSERT_EQ(a.edge(i), b.edge(i));
    ASSERT_EQ(a.count(i), b.count(i)) << "bin " << i;
  }
}

TEST(Histogram, EveryElementIsInItsBin) {
  std::vector<float> data = normal_data(5003, 0.3F, 2, 1);
  const Histogram histogram = histogram_of(data);
  std::sort(data.begin(), data.end());
  for (int i = 0; i < Histogram::kNumBins; ++i) {
    const auto from = std::lower_bound(data.begin(), data.end(), histogram.edge(i));
    const auto to = std::lower_bound(data.begin(), data.end(), histogram.edge(i + 1));
    ASSERT_EQ(histogram.count(i), to - from) << "bin " << i;
  }
}

TEST(Histogram, UsesAtLeastHalfOfItsBins) {
  const Histogram histogram = histogram_of({-0.9F, 0.1F, 3.7F});
  EXPECT_LE(4.6 / histogram.bin_width(), Histogram::kNumBins);
  EXPECT_GT(4.6 / histogram.bin_width(), Histogram::kNumBins / 2 - 2);
}

TEST(Histogram, ZerosAreApart) {
  const Histogram histogram = histogram_of({0, 0, -0.0F, 1, 1e-6F});
  EXPECT_EQ(histogram.num_zeros(), 3);
  EXPECT_EQ(histogram.count(histogram.bin_of(0)), 1);
  EXPECT_EQ(histogram.count(histogram.bin_of(1)), 1);
  EXPECT_EQ(histogram.num_elements(), 5);
}

TEST(Histogram, OnlyZerosIsEmpty) {
  Histogram histogram = histogram_of({0, 0});
  EXPECT_TRUE(histogram.empty());
  EXPECT_EQ(histogram.num_zeros(), 2);
  add(histogram, {5});
  EXPECT_FALSE(histogram.empty());
  EXPECT_EQ(histogram.num_zeros(), 2);
  EXPECT_EQ(histogram.num_outside(0, 4), 1);
}

TEST(Histogram, GrowingAndMergingDoNotDependOnOrder) {
  const std::vector<float> small = normal_data(1001, 0, 1e-4F, 2), middle = normal_data(999, -3, 1, 3),
                           large = uniform_data(777, -1, 9e3F, 4);
  std::vector<float> all = large;
  all.insert(all.end(), small.begin(), small.end());
  all.insert(all.end(), middle.begin(), middle.end());
  Histogram grown = histogram_of(small);
  add(grown, middle);
  add(grown, large);
  expect_same(grown, histogram_of(all));
  Histogram merged = histogram_of(large), other = histogram_of(middle);
  other.merge(histogram_of(small));
  merged.merge(other);
  expect_same(merged, grown);
  Histogram reversed = other;
  reversed.merge(histogram_of(large));
  expect_same(reversed, grown);
}

TEST(Histogram, HoldsTheWholeRangeOfFloats) {
  const Histogram histogram = histogram_of({-3.4e38F, 3.4e38F, 1e-45F, 1e-38F, -1e-45F, 1});
  int64_t total = histogram.num_zeros();
  for (int i = 0; i < Histogram::kNumBins; ++i) total += histogram.count(i);
  EXPECT_EQ(total, 6);
  const Histogram tiny = histogram_of({1e-45F, 3e-45F, -1e-45F});
  EXPECT_EQ(tiny.num_elements(), 3);
  EXPECT_GT(tiny.bin_width(), 0);
}

TEST(Histogram, CountsWhatIsOutside) {
  std::vector<float> data(1000);
  std::iota(data.begin(), data.end(), -499.5F);
  const Histogram histogram = histogram_of(data);
  EXPECT_EQ(histogram.num_outside(-100, 200), 400 + 300);
  EXPECT_EQ(histogram.num_outside(-500, 500), 0);
  Histogram coarser = histogram;
  add(coarser, {9000});
  ASSERT_GT(coarser.bin_width(), histogram.bin_width());
  const double low = -12 * coarser.bin_width(), high = 25 * coarser.bin_width();
  EXPECT_EQ(coarser.num_outside(low, high), histogram.num_outside(low, high) + 1);
}

}  // namespace
}  // namespace burnish
