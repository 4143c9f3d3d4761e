#include "base/shape.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/checked.h"

namespace burnish {
namespace {

TEST(Shape, CountsElements) {
  EXPECT_EQ((Shape{2, 3, 5}).num_elements(), 30);
  EXPECT_EQ(Shape{}.num_elements(), 1);
  EXPECT_EQ((Shape{4, 0}).num_elements(), 0);
}

TEST(Shape, RefusesOverflowAndNegativeDimensions) {
  const int64_t huge = std::numeric_limits<int64_t>::max() / 2;
  EXPECT_THROW((Shape{huge, 3}).num_elements(), Error);
  EXPECT_THROW((Shape{-1, 3}).num_elements(), Error);
}

TEST(Shape, RefusesTooManyDimensions) {
  Shape s;
  for (int i = 0; i < kMaxRank; ++i) s.push_back(1);
  EXPECT_THROW(s.push_back(1), Error);
}

TEST(Shape, Broadcasts) {
  EXPECT_EQ(broadcast(Shape{3, 1}, Shape{4}), (Shape{3, 4}));
  EXPECT_EQ(broadcast(Shape{}, Shape{2, 2}), (Shape{2, 2}));
  EXPECT_EQ(broadcast(Shape{1, 0}, Shape{5, 1}), (Shape{5, 0}));
  EXPECT_THROW(broadcast(Shape{3}, Shape{4}), Error);
}

TEST(Shape, NormalizesAxes) {
  EXPECT_EQ(normalize_axis(-1, 4), 3);
  EXPECT_EQ(normalize_axis(0, 4), 0);
  EXPECT_THROW(normalize_axis(4, 4), Error);
  EXPECT_THROW(normalize_axis(-5, 4), Error);
}

TEST(Checked, OverflowIsAnError) {
  EXPECT_EQ(checked_mul(1 << 20, 1 << 20), int64_t{1} << 40);
  EXPECT_THROW(checked_mul(int64_t{1} << 40, int64_t{1} << 40), Error);
  EXPECT_THROW(checked_add(std::numeric_limits<int64_t>::max(), 1), Error);
}

}  // namespace
}  // namespace burnish
