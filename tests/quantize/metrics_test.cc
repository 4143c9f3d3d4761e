#include "quantize/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"

namespace burnish {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
using Floats = std::vector<float>;

TEST(Metrics, Cosine) {
  EXPECT_DOUBLE_EQ(cosine_similarity(Floats{1, 2, 3}, Floats{2, 4, 6}), 1);
  EXPECT_DOUBLE_EQ(cosine_similarity(Floats{1, 0}, Floats{0, 5}), 0);
  EXPECT_DOUBLE_EQ(cosine_similarity(Floats{1, -1}, Floats{-2, 2}), -1);
  EXPECT_NEAR(cosine_similarity(Floats{1, 0}, Floats{1, 1}), std::sqrt(0.5), 1e-12);
  EXPECT_EQ(cosine_similarity(Floats{0, 0}, Floats{0, 0}), 1);
  EXPECT_EQ(cosine_similarity(Floats{0, 0}, Floats{0, 1}), 0);
  EXPECT_EQ(cosine_similarity(Floats{kNan, 0}, Floats{1, 1}), 0);
  EXPECT_NEAR(cosine_similarity(Floats{3e38F, 0}, Floats{3e38F, 0}), 1, 1e-12);
}

TEST(Metrics, Sqnr) {
  EXPECT_NEAR(sqnr_db(Floats{11, 0}, Floats{10, 0}), 20, 1e-9);
  EXPECT_EQ(sqnr_db(Floats{1, 2}, Floats{1, 2}), kInfinity);
  EXPECT_EQ(sqnr_db(Floats{1}, Floats{0}), -kInfinity);
}

TEST(Metrics, Top1) {
  EXPECT_EQ(top1(Floats{1, 3, 2}), 1);
  EXPECT_EQ(top1(Floats{3, 3, 2}), 0) << "the first of equals";
  EXPECT_EQ(top1(Floats{kNan, -3, -2}), 2);
  EXPECT_EQ(top1(Floats{kNan}), -1);
  const Floats a{1, 2, 3, 0, 0, 9};  // tops 1 0 1
  EXPECT_DOUBLE_EQ(top1_accuracy(a, std::vector<int64_t>{1, 0, 0}, 2), 2.0 / 3);
  EXPECT_DOUBLE_EQ(top1_accuracy(a, std::vector<int64_t>{2, 1}, 3), 0.5);
  EXPECT_EQ(top1_accuracy(Floats{}, std::vector<int64_t>{}, 7), 1);
}

TEST(Metrics, SizesMustFit) {
  EXPECT_THROW(cosine_similarity(Floats{1}, Floats{1, 2}), Error);
  EXPECT_THROW(sqnr_db(Floats{1}, Floats{}), Error);
  EXPECT_THROW(top1_accuracy(Floats{1, 2, 3}, std::vector<int64_t>{1}, 2), Error);
  EXPECT_THROW(top1_accuracy(Floats{1}, std::vector<int64_t>{1}, 0), Error);
  EXPECT_THROW(top1_accuracy(Floats{1, 2}, std::vector<int64_t>{1, 2}, 2), Error);
}

}  // namespace
}  // namespace burnish
