// Operators along axes: reductions, scans, extremes, softmax.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "ops/op_tester.h"

namespace burnish {
namespace {

using testing::ElementsAre;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(Reduce, LiteralValues) {
  const Tensor x = make_floats(Shape{2, 3}, {1, -2, 3, 4, 5, -6});
  const auto rows = [&](const char* op) { return values_of(run(op, {x, make_ints({1})})); };
  EXPECT_THAT(rows("ReduceSum"), ElementsAre(2, 3));
  EXPECT_THAT(rows("ReduceMean"), near(1e-6, {2.0 / 3, 1}));
  EXPECT_THAT(rows("ReduceMax"), ElementsAre(3, 5));
  EXPECT_THAT(rows("ReduceMin"), ElementsAre(-2, -6));
  EXPECT_THAT(rows("ReduceProd"), ElementsAre(-6, -120));
  EXPECT_THAT(rows("ReduceL1"), ElementsAre(6, 15));
  EXPECT_THAT(rows("ReduceL2"), near(1e-6, {3.7416574, 8.7749644}));
  EXPECT_THAT(rows("ReduceSumSquare"), ElementsAre(14, 77));
  EXPECT_THAT(rows("ReduceLogSum"), near(1e-6, {0.6931472, 1.0986123}));
  EXPECT_THAT(rows("ReduceLogSumExp"), near(1e-6, {3.1328452, 5.3132743}));
}

TEST(Reduce, EveryAxisSetAgreesWithTheDefinition) {
  const Shape shape{3, 1, 4, 2, 5};
  const Tensor x = random_floats(shape, 9);
  for (unsigned mask = 1; mask < 32; ++mask) {
    std::vector<int64_t> axes;
    Shape kept = shape;
    for (int i = 0; i < 5; ++i)
      if (mask >> i & 1U) {
        axes.push_back(i - 5);
        kept[i] = 1;
      }
    std::vector<double> expected(static_cast<size_t>(kept.num_elements()), 0.0);
    for (int64_t at = 0; at < x.num_elements(); ++at) {
      int64_t rest = at;
      int64_t to = 0;
      int64_t stride = 1;
      for (int i = 4; i >= 0; --i) {
        to += kept[i] == 1 ? 0 : rest % shape[i] * stride;
        stride *= kept[i];
        rest /= shape[i];
      }
      expected[static_cast<size_t>(to)] += x.as<float>()[at];
    }
    const Tensor y = run("ReduceSum", {x, make_ints(axes)});
    EXPECT_EQ(y.shape(), kept);
    EXPECT_THAT(values_of(y), near(1e-5, expected)) << mask;
  }
}

TEST(Reduce, AxesRules) {
  const Tensor x = make_floats(Shape{2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(run("ReduceSum", {x}).shape(), Shape({1, 1}));
  EXPECT_EQ(run("ReduceSum", {x}, attributes({{"keepdims", int64_t{0}}})).shape(), Shape{});
  EXPECT_EQ(run("ReduceSum", {x}, attributes({{"noop_with_empty_axes", int64_t{1}}})).shape(), Shape({2, 3}));
  EXPECT_THROW(run("ReduceSum", {x, make_ints({2})}), Error);
  EXPECT_THROW(run("ReduceSum", {x, make_ints({1, -1})}), Error);
  const Dim b = Dim::symbol("b");
  const Tensor axes = make_ints({1});
  const auto y = infer("ReduceMean", {{DType::kFloat32, SymShape{b, 7, 3}}, int_vector(1)}, {{}, {&axes, {}}});
  EXPECT_EQ(y.type.shape, (SymShape{b, 1, 3}));
}

TEST(Reduce, NothingToReduce) {
  const Tensor none = make_floats(Shape{2, 0}, {});
  EXPECT_THAT(values_of(run("ReduceSum", {none, make_ints({1})})), ElementsAre(0, 0));
  EXPECT_THAT(values_of(run("ReduceProd", {none, make_ints({1})})), ElementsAre(1, 1));
  EXPECT_THAT(values_of(run("ReduceMax", {none, make_ints({1})})), ElementsAre(-kInf, -kInf));
  const Tensor bytes = make_tensor(DType::kInt8, Shape{0}, {});
  EXPECT_THAT(values_of(run("ReduceMin", {bytes})), ElementsAre(127));
  EXPECT_THAT(values_of(run("ReduceMax", {bytes})), ElementsAre(-128));
  EXPECT_THAT(values_of(run("ReduceMean", {bytes})), ElementsAre(0));
}

TEST(Reduce, LargeExponentsAndNaN) {
  EXPECT_THAT(values_of(run("ReduceLogSumExp", {make_floats(Shape{2}, {1000, 1000})})), near(1e-6, {1000.6931472}));
  EXPECT_THAT(values_of(run("ReduceMax", {make_floats(Shape{3}, {1, kNaN, 2})})), near(0, {kNaN}));
}

TEST(Scan, SumsAndProducts) {
  const Tensor x = make_floats(Shape{2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor axis = Tensor::scalar(DType::kInt64, int64_t{1});
  const auto flags = [](int64_t exclusive, int64_t reverse) {
    return attributes({{"exclusive", exclusive}, {"reverse", reverse}});
  };
  EXPECT_THAT(values_of(run("CumSum", {x, axis})), ElementsAre(1, 3, 6, 4, 9, 15));
  EXPECT_THAT(values_of(run("CumSum", {x, axis}, flags(1, 0))), ElementsAre(0, 1, 3, 0, 4, 9));
  EXPECT_THAT(values_of(run("CumSum", {x, axis}, flags(0, 1))), ElementsAre(6, 5, 3, 15, 11, 6));
  EXPECT_THAT(values_of(run("CumProd", {x, axis}, flags(1, 1))), ElementsAre(6, 3, 1, 30, 6, 1));
  EXPECT_THAT(values_of(run("CumSum", {x, Tensor::scalar(DType::kInt64, int64_t{-2})})), ElementsAre(1, 2, 3, 5, 7, 9));
  EXPECT_THROW(run("CumSum", {x, Tensor::scalar(DType::kInt64, int64_t{2})}), Error);
}

TEST(Arg, TiesAndAxes) {
  const Tensor x = make_floats(Shape{2, 3}, {2, 7, 7, 1, 1, 0});
  const auto at = [](int64_t axis, int64_t last) {
    return attributes({{"axis", axis}, {"select_last_index", last}, {"keepdims", int64_t{0}}});
  };
  EXPECT_THAT(values_of(run("ArgMax", {x}, at(1, 0))), ElementsAre(1, 0));
  EXPECT_THAT(values_of(run("ArgMax", {x}, at(-1, 1))), ElementsAre(2, 1));
  EXPECT_THAT(values_of(run("ArgMin", {x}, at(0, 0))), ElementsAre(1, 1, 1));
  EXPECT_THROW(run("ArgMax", {make_floats(Shape{2, 0}, {})}, at(1, 0)), Error);
}

TEST(TopK, OrderAndTies) {
  const Tensor x = make_floats(Shape{2, 4}, {3, 1, 3, 2, -1, 5, 0, 5});
  const auto y = run_all("TopK", {x, make_ints({3})}, {}, 2);
  EXPECT_THAT(values_of(y[0]), ElementsAre(3, 3, 2, 5, 5, 0));
  EXPECT_THAT(values_of(y[1]), ElementsAre(0, 2, 3, 1, 3, 2));
  const auto least =
      run_all("TopK", {x, make_ints({1})}, attributes({{"axis", int64_t{0}}, {"largest", int64_t{0}}}), 2);
  EXPECT_THAT(values_of(least[0]), ElementsAre(-1, 1, 0, 2));
  EXPECT_THAT(values_of(least[1]), ElementsAre(1, 0, 1, 0));
  EXPECT_THROW(run_all("TopK", {x, make_ints({5})}, {}, 2), Error);
  EXPECT_THROW(run_all("TopK", {x, make_ints({-1})}, {}, 2), Error);
}

TEST(TopK, AgreesWithSortingAlongEveryAxis) {
  const Shape shape{3, 5, 4};
  const Tensor x = random_floats(shape, 4);
  for (int axis = 0; axis < 3; ++axis) {
    const int64_t inner = shape.product(axis + 1, 3);
    const int64_t k = shape[axis] - 1;
    const Tensor y = run("TopK", {x, make_ints({k})}, attributes({{"axis", int64_t{axis}}}));
    for (int64_t o = 0; o < shape.product(0, axis); ++o)
      for (int64_t i = 0; i < inner; ++i) {
        std::vector<float> lane;
        for (int64_t n = 0; n < shape[axis]; ++n) lane.push_back(x.as<float>()[(o * shape[axis] + n) * inner + i]);
        std::sort(lane.rbegin(), lane.rend());
        for (int64_t n = 0; n < k; ++n) ASSERT_EQ(y.as<float>()[(o * k + n) * inner + i], lane[static_cast<size_t>(n)]);
      }
  }
}

TEST(Softmax, RowsAndColumns) {
  const Tensor x = make_floats(Shape{2, 2}, {0, std::log(3), 1000, 1000});
  EXPECT_THAT(values_of(run("Softmax", {x})), near(1e-6, {0.25, 0.75, 0.5, 0.5}));
  EXPECT_THAT(values_of(run("LogSoftmax", {x})),
              near(1e-6, {std::log(0.25), std::log(0.75), -0.69314718, -0.69314718}));
  EXPECT_THAT(values_of(run("Softmax", {x}, attributes({{"axis", int64_t{0}}}))), near(1e-6, {0, 0, 1, 1}));
  EXPECT_THROW(run("Softmax", {x}, attributes({{"axis", int64_t{2}}})), Error);
}

TEST(Softmax, HardAndNorms) {
  const Tensor x = make_floats(Shape{2, 2}, {3, -4, 0, 0});
  EXPECT_THAT(values_of(run("Hardmax", {x})), ElementsAre(1, 0, 1, 0));
  EXPECT_THAT(values_of(run("LpNormalization", {x})), near(1e-6, {0.6, -0.8, 0, 0}));
  EXPECT_THAT(values_of(run("LpNormalization", {x}, attributes({{"p", int64_t{1}}}))),
              near(1e-6, {3.0 / 7, -4.0 / 7, 0, 0}));
  EXPECT_THROW(run("LpNormalization", {x}, attributes({{"p", int64_t{3}}})), Error);
}

}  // namespace
}  // namespace burnish
