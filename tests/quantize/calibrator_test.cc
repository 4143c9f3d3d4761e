#include "quantize/calibrator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "quantize/random_data.h"

namespace burnish {
namespace {

constexpr Calibrator kAll[] = {Calibrator::kMinMax, Calibrator::kPercentile, Calibrator::kEntropy, Calibrator::kMse};

Observer observe(const std::vector<float>& data) {
  Observer observer;
  observer.observe(data.data(), Shape{static_cast<int64_t>(data.size())});
  return observer;
}

Range range_of(const std::vector<float>& data, Calibrator calibrator, bool symmetric = false) {
  return choose_range(observe(data), {.calibrator = calibrator, .symmetric = symmetric});
}

/// Mean squared error of rounding these very elements to 256 integers over the range.
double true_error(const std::vector<float>& data, Range range) {
  const double step = (static_cast<double>(range.high) - range.low) / 255;
  const double zero = std::nearbyint(-range.low / step);
  double sum = 0;
  for (const float x : data) {
    const double q = std::clamp(std::nearbyint(x / step) + zero, 0.0, 255.0);
    const double d = (q - zero) * step - x;
    sum += d * d;
  }
  return sum / static_cast<double>(data.size());
}

std::vector<float> with_outliers(std::vector<float> data, float value, int n) {
  for (int i = 0; i < n; ++i) data[static_cast<size_t>(i) * 101] = value;
  return data;
}

/// The published loop for a one-sided histogram, bin by bin; the number of bins kept.
int published_threshold(const std::vector<double>& bins, int levels) {
  int best = 0;
  double least = std::numeric_limits<double>::infinity();
  const double all = std::accumulate(bins.begin(), bins.end(), 0.0);
  for (int n = levels; n <= static_cast<int>(bins.size()); ++n) {
    std::vector<double> p(bins.begin(), bins.begin() + n), q(p.size());
    p.back() += std::accumulate(bins.begin() + n, bins.end(), 0.0);
    for (int g = 0; g < levels; ++g) {
      const int from = n * g / levels, to = n * (g + 1) / levels;
      double sum = 0, filled = 0;
      for (int i = from; i < to; ++i) sum += bins[i], filled += bins[i] > 0;
      for (int i = from; i < to; ++i) q[i] = bins[i] > 0 ? sum / filled : 0;
    }
    const double inside = std::accumulate(q.begin(), q.end(), 0.0);
    double d = 0;
    for (int i = 0; i < n; ++i) {
      if (p[i] > 0) d += p[i] / all * std::log((p[i] / all) / (std::max(q[i], 1e-4) / inside));
    }
    if (d <= least) least = d, best = n;
  }
  return best;
}

TEST(Calibrator, NamesRoundTrip) {
  for (const Calibrator c : kAll) EXPECT_EQ(parse_calibrator(name_of(c)), c);
  try {
    parse_calibrator("kl");
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("'kl': choose one of minmax, percentile, entropy, mse"));
  }
}

TEST(Calibrator, MinMax) {
  EXPECT_EQ(range_of({-1, 3, 2}, Calibrator::kMinMax), (Range{-1, 3}));
  EXPECT_EQ(range_of({-1, 3, 2}, Calibrator::kMinMax, true), (Range{-3, 3}));
  EXPECT_EQ(range_of({2, 3}, Calibrator::kMinMax), (Range{0, 3})) << "0 is always inside";
  EXPECT_EQ(range_of({-2, -3}, Calibrator::kMinMax), (Range{-3, 0}));
}

TEST(Calibrator, EveryRangeContainsZeroAndStaysWithinTheData) {
  const std::vector<std::vector<float>> sets{normal_data(9000, 0, 1, 1),
                                             relu(normal_data(9000, 0, 5, 2)),
                                             normal_data(9000, 50, 1, 3),
                                             normal_data(9000, -50, 1, 4),
                                             {7},
                                             {-1e-3F},
                                             uniform_data(77, -3e30F, 1e30F, 5)};
  for (const auto& data : sets) {
    for (const Calibrator c : kAll) {
      for (const bool symmetric : {false, true}) {
        const Observer observer = observe(data);
        const Range range = choose_range(observer, {.calibrator = c, .symmetric = symmetric});
        EXPECT_LE(range.low, 0);
        EXPECT_GE(range.high, 0);
        EXPECT_GT(range.high - range.low, 0) << name_of(c) << " " << data[0];
        EXPECT_GE(range.low, symmetric ? -observer.absmax() : std::min(observer.min(), 0.0F));
        EXPECT_LE(range.high, symmetric ? observer.absmax() : std::max(observer.max(), 0.0F));
        EXPECT_TRUE(!symmetric || range.low == -range.high);
      }
    }
  }
}

TEST(Calibrator, ZerosGiveAnEmptyRange) {
  for (const Calibrator c : kAll) EXPECT_EQ(range_of(std::vector<float>(50), c), Range{});
}

TEST(Calibrator, PercentileCutsWhatItSays) {
  const std::vector<float> data = uniform_data(1000000, 0, 1, 1);
  EXPECT_NEAR(choose_range(observe(data), {.calibrator = Calibrator::kPercentile, .percentile = 99}).high, 0.99, 2e-3);
  const std::vector<float> both = uniform_data(1000000, -1, 1, 2);
  const Range range = choose_range(observe(both), {.calibrator = Calibrator::kPercentile, .percentile = 90});
  EXPECT_NEAR(range.high, 0.9, 2e-3);
  EXPECT_NEAR(range.low, -0.9, 2e-3);
  EXPECT_EQ(choose_range(observe(both), {.calibrator = Calibrator::kPercentile, .percentile = 100}).high,
            observe(both).max());
}

TEST(Calibrator, EntropySurvivesPlainBackgrounds) {
  // Two thirds of the elements are a few numbers, the range is needed by the rest.
  std::vector<float> data = relu(laplace_data(100000, 1, 1));
  for (const float level : {0.31F, 0.47F, 0.52F, 1.23F}) data.insert(data.end(), 50000, level);
  EXPECT_GT(range_of(data, Calibrator::kEntropy).high, 4);
}

TEST(Calibrator, EntropyIsThePublishedSearch) {
  for (const uint64_t seed : {1, 2, 3}) {
    const std::vector<float> data = relu(laplace_data(20000, 1, seed));
    const Observer observer = observe(data);
    std::vector<double> bins;
    for (int i = 0; i <= observer.histogram().bin_of(observer.max()); ++i) {
      bins.push_back(static_cast<double>(observer.histogram().count(i)));
    }
    const double expected = published_threshold(bins, 256) * observer.histogram().bin_width();
    EXPECT_NEAR(choose_range(observer, {.calibrator = Calibrator::kEntropy}).high,
                std::min<double>(expected, observer.max()), 1e-6);
  }
}

TEST(Calibrator, EntropyClipsOutliers) {
  const std::vector<float> data = with_outliers(normal_data(200000, 0, 1, 1), 30, 5);
  for (const bool symmetric : {false, true}) {
    const Range range = range_of(data, Calibrator::kEntropy, symmetric);
    EXPECT_LT(range.high, 12);
    EXPECT_GT(range.high, 2.5);
    EXPECT_LT(range.low, -2.5);
  }
}

TEST(Calibrator, MseClipsOutliersWhereRoundingCostsMore) {
  // Keeping them costs (V/levels)²/12 an element, clipping V² times their share.
  const Observer observer = observe(with_outliers(normal_data(200000, 0, 1, 1), 30, 5));
  for (const bool symmetric : {false, true}) {
    const CalibrationOptions few{.calibrator = Calibrator::kMse, .symmetric = symmetric, .levels = 16};
    EXPECT_LT(choose_range(observer, few).high, 5);
    const CalibrationOptions many{.calibrator = Calibrator::kMse, .symmetric = symmetric, .levels = 256};
    EXPECT_GT(choose_range(observer, many).high, 20);
  }
}

TEST(Calibrator, EntropyKeepsAUniformRange) {
  const Range range = range_of(uniform_data(500000, -2, 3, 1), Calibrator::kEntropy);
  EXPECT_GT(range.high, 2.8);
  EXPECT_LT(range.low, -1.9);
}

TEST(Calibrator, ZerosDoNotMoveTheRange) {
  const std::vector<float> some = relu(normal_data(100000, 1, 1, 1));
  std::vector<float> many = some;
  many.resize(1000000);  // nine tenths are 0
  for (const Calibrator c : {Calibrator::kEntropy, Calibrator::kMse}) EXPECT_EQ(range_of(some, c), range_of(many, c));
}

TEST(Calibrator, MseIsTheBestOfAll) {
  const std::vector<std::vector<float>> sets{
      normal_data(100000, 0, 1, 1), relu(normal_data(100000, 0, 1, 2)), laplace_data(100000, 3, 3),
      with_outliers(normal_data(100000, 1, 2, 4), 80, 3), uniform_data(100000, -1, 7, 5)};
  for (size_t s = 0; s < sets.size(); ++s) {
    const double best = true_error(sets[s], range_of(sets[s], Calibrator::kMse));
    for (const Calibrator c : kAll) {
      EXPECT_LE(best, true_error(sets[s], range_of(sets[s], c)) * 1.02) << name_of(c) << " on set " << s;
    }
  }
  EXPECT_LT(true_error(sets[3], range_of(sets[3], Calibrator::kMse)),
            0.95 * true_error(sets[3], range_of(sets[3], Calibrator::kMinMax)));
}

TEST(Calibrator, MseFindsTheLeastOfItsOwnMeasure) {
  const Observer observer = observe(with_outliers(laplace_data(50000, 1, 7), -40, 9));
  const Range best = choose_range(observer, {.calibrator = Calibrator::kMse});
  const double least = expected_squared_error(observer.histogram(), best, 256);
  for (int i = 1; i <= 40; ++i) {
    for (int k = 1; k <= 40; ++k) {
      const Range other{observer.min() * static_cast<float>(i) / 40, observer.max() * static_cast<float>(k) / 40};
      EXPECT_GE(expected_squared_error(observer.histogram(), other, 256), least * 0.99);
    }
  }
}

TEST(Calibrator, ExpectedErrorMatchesTheTrueOne) {
  const std::vector<float> data = normal_data(200000, 0.5F, 1, 1);
  for (const Range range : {Range{-4, 5}, Range{-1, 1.5F}, Range{-0.5F, 9}}) {
    const double expected = expected_squared_error(observe(data).histogram(), range, 256);
    EXPECT_NEAR(expected / true_error(data, range), 1, 0.05);
  }
}

TEST(Calibrator, RefusesNonsense) {
  EXPECT_THROW(choose_range(Observer(), {}), Error);
  EXPECT_THROW(choose_range(observe({1}), {.percentile = 0}), Error);
  EXPECT_THROW(choose_range(observe({1}), {.percentile = 101}), Error);
  EXPECT_THROW(choose_range(observe({1}), {.levels = 255}), Error);
}

}  // namespace
}  // namespace burnish
