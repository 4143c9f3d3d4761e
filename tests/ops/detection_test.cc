#include "ops/op_tester.h"

namespace burnish {
namespace {

const Tensor kBoxes = make_floats({1, 4, 4}, {0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 2, 1, 3, 1, 3, 0, 2});
const Tensor kScores = make_floats({1, 1, 4}, {0.5, 0.9, 0.8, 0.7});

std::vector<double> selected(int64_t limit, double iou, double least) {
  const Tensor y = run("NonMaxSuppression",
                       {kBoxes, kScores, make_ints({limit}), make_floats({1}, {iou}), make_floats({1}, {least})});
  std::vector<double> boxes;
  const auto v = values_of(y);
  for (size_t i = 2; i < v.size(); i += 3) boxes.push_back(v[i]);
  return boxes;
}

TEST(NonMaxSuppression, KeepsTheBestOfOverlappingBoxes) {
  EXPECT_EQ(selected(10, 0.5, 0), (std::vector<double>{1, 2}));
  EXPECT_EQ(selected(1, 0.5, 0), (std::vector<double>{1}));
  EXPECT_EQ(selected(10, 0.99, 0), (std::vector<double>{1, 2, 0}));
  EXPECT_EQ(selected(10, 0.5, 0.85), (std::vector<double>{1}));
  EXPECT_TRUE(selected(0, 0.5, 0).empty());
  EXPECT_TRUE(selected(-1, 0.5, 0).empty());
}

TEST(NonMaxSuppression, RefusesWhatDoesNotFit) {
  EXPECT_THROW(run("NonMaxSuppression", {kBoxes, make_floats({1, 1, 3}, {0, 0, 0})}), Error);
  EXPECT_THROW(run("NonMaxSuppression", {make_floats({1, 1, 3}, {0, 0, 0}), kScores}), Error);
  EXPECT_THROW(run("NonMaxSuppression", {kBoxes, kScores}, attributes({{"center_point_box", int64_t{2}}})), Error);
}

}  // namespace
}  // namespace burnish
