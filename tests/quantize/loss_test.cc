#include "quantize/loss.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "quantize/random_data.h"

namespace burnish {
namespace {

TEST(Loss, ClassesCountRowsThatDiffer) {
  Loss loss({OutputKind::kClasses});
  EXPECT_EQ(loss.value(), 0);
  const std::vector<float> reference{1, 2, 5, 4}, actual{1, 9, 4, 5};
  loss.add(0, actual.data(), reference.data(), Shape{2, 2});
  EXPECT_DOUBLE_EQ(loss.value(), 0.5);
  loss.add(0, reference.data(), reference.data(), Shape{2, 2});
  EXPECT_DOUBLE_EQ(loss.value(), 0.25);
  EXPECT_EQ(loss.num_rows(0), 4);
}

TEST(Loss, OthersTurn) {
  Loss loss({OutputKind::kOther});
  const std::vector<float> reference{1, 0, 0, 1}, actual{3, 0, 1, 0};
  loss.add(0, actual.data(), reference.data(), Shape{2, 2});
  EXPECT_DOUBLE_EQ(loss.value(), 0.5);
  Loss flat({OutputKind::kOther});
  flat.add(0, actual.data(), reference.data(), Shape{4});
  EXPECT_EQ(flat.num_rows(0), 1);
  EXPECT_NEAR(flat.value(), 1 - 3 / std::sqrt(20.0), 1e-12);
}

TEST(Loss, BatchesDoNotMatter) {
  const std::vector<float> reference = normal_data(60, 0, 1, 1), noise = normal_data(60, 0, 0.5F, 2);
  std::vector<float> actual = reference;
  for (size_t i = 0; i < 60; ++i) actual[i] += noise[i];
  for (const OutputKind kind : {OutputKind::kClasses, OutputKind::kOther}) {
    Loss whole({kind}), first({kind}), second({kind});
    whole.add(0, actual.data(), reference.data(), Shape{12, 5});
    first.add(0, actual.data(), reference.data(), Shape{7, 5});
    second.add(0, actual.data() + 35, reference.data() + 35, Shape{5, 5});
    first.merge(second);
    EXPECT_NEAR(first.value(), whole.value(), 1e-12);
    EXPECT_GT(whole.value(), 0);
  }
}

TEST(Loss, TheWorstOutputCounts) {
  Loss loss({OutputKind::kOther, OutputKind::kClasses});
  const std::vector<float> reference{1, 0}, actual{0, 1};
  loss.add(0, reference.data(), reference.data(), Shape{1, 2});
  loss.add(1, actual.data(), reference.data(), Shape{1, 2});
  EXPECT_EQ(loss.of_output(0), 0);
  EXPECT_EQ(loss.of_output(1), 1);
  EXPECT_EQ(loss.value(), 1);
}

TEST(Loss, NanIsALoss) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> reference{1, 2}, actual{nan, nan};
  for (const OutputKind kind : {OutputKind::kClasses, OutputKind::kOther}) {
    Loss loss({kind});
    loss.add(0, actual.data(), reference.data(), Shape{1, 2});
    EXPECT_EQ(loss.value(), 1);
  }
}

TEST(Loss, RefusesWhatDoesNotFit) {
  Loss loss({OutputKind::kClasses});
  const std::vector<float> x(4);
  EXPECT_THROW(loss.add(1, x.data(), x.data(), Shape{2, 2}), Error);
  EXPECT_THROW(loss.add(0, x.data(), x.data(), Shape{4}), Error);
  EXPECT_THROW(loss.merge(Loss({OutputKind::kOther})), Error);
  EXPECT_THROW(loss.merge(Loss({})), Error);
}

}  // namespace
}  // namespace burnish
