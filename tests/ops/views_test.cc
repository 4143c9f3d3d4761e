#include "ops/views.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "ops/op_tester.h"

namespace burnish {
namespace {

TEST(Views, StridesAndOffset) {
  const StridedView view = strided_view(Shape{2, 3, 4}, "perm 2 0 1;slice 0 1 2");
  EXPECT_EQ(view.shape, (Shape{2, 2, 3}));
  EXPECT_EQ(view.strides, (std::vector<int64_t>{1, 12, 4}));
  EXPECT_EQ(view.offset, 1);
}

TEST(Views, TheTextFormIsReadAndWritten) {
  std::string text;
  for (const ViewStep& step : parse_view("perm 1 0;slice 1 2 3")) text += to_string(step) + "|";
  EXPECT_EQ(text, "perm 1 0|slice 1 2 3|");
}

TEST(Views, ShapesKeepTheirSymbols) {
  const SymShape shape = {Dim::symbol("batch"), Dim(6), Dim(5)};
  EXPECT_EQ(to_string(viewed_shape(shape, "perm 0 2 1;slice 2 1 4")), "[batch,5,4]");
}

TEST(Views, NonsenseIsRefused) {
  for (const char* view : {"perm", "perm 0", "perm 0 0 1", "perm 0 1 3", "slice 3 0 1", "slice 0 1 2", "slice 0 0 9",
                           "slice 0 1", "turn 1 2", "slice 0 -1 1", "perm 0 1 x"}) {
    EXPECT_THROW(viewed_shape({Dim(2), Dim(3), Dim(4)}, view), Error) << view;
    EXPECT_THROW(strided_view(Shape{2, 3, 4}, view), Error) << view;
  }
}

TEST(Views, PointwiseReadsThroughThem) {
  AttributeMap attrs;
  attrs.set("program", std::vector<std::string>{"sub i0 i1"});
  attrs.set("views", std::vector<std::string>{"perm 1 0;slice 0 1 2", ""});
  const Tensor x = Tensor::from_floats(std::vector<float>{1, 2, 3, 4, 5, 6}).reshaped({2, 3});
  const Tensor y = Tensor::from_floats(std::vector<float>{10, 20});
  const auto outputs = evaluate_op(*find_op("Pointwise"), attrs, std::vector<Tensor>{x, y}, 1);
  // x's columns 1 and 2 as rows: [2, 5], [3, 6].
  EXPECT_EQ(outputs[0].shape(), (Shape{2, 2}));
  const auto* z = outputs[0].as<float>();
  EXPECT_EQ((std::vector<float>{z, z + 4}), (std::vector<float>{-8, -15, -7, -14}));
}

}  // namespace
}  // namespace burnish
