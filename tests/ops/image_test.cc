#include "ops/op_tester.h"

namespace burnish {
namespace {

using Attributes = std::vector<std::pair<std::string, Attribute>>;

Tensor resize(const Tensor& x, const std::vector<double>& scales, const Attributes& a) {
  const Tensor s = make_floats({static_cast<int64_t>(scales.size())}, scales);
  return run("Resize", {x, Tensor(), s}, attributes(a));
}

const Tensor kRow = make_floats({4}, {1, 2, 3, 4});
Attribute text(const char* s) {
  return std::string(s);
}

TEST(Resize, RepeatsTheNearest) {
  EXPECT_EQ(values_of(resize(make_floats({2, 2}, {1, 2, 3, 4}), {1, 2}, {})),
            (std::vector<double>{1, 1, 2, 2, 3, 3, 4, 4}));
  EXPECT_EQ(
      values_of(resize(kRow, {0.5},
                       {{"coordinate_transformation_mode", text("asymmetric")}, {"nearest_mode", text("floor")}})),
      (std::vector<double>{1, 3}));
}

TEST(Resize, InterpolatesLinearly) {
  EXPECT_THAT(values_of(resize(kRow, {2}, {{"mode", text("linear")}})),
              near(1e-6, {1, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4}));
  EXPECT_THAT(
      values_of(run("Resize", {kRow, Tensor(), Tensor(), make_ints({7})},
                    attributes({{"mode", text("linear")}, {"coordinate_transformation_mode", text("align_corners")}}))),
      near(1e-6, {1, 1.5, 2, 2.5, 3, 3.5, 4}));
  EXPECT_THAT(values_of(resize(kRow, {0.5}, {{"mode", text("linear")}, {"antialias", int64_t{1}}})),
              near(1e-6, {1.625, 3.375}));
}

TEST(Resize, CubicKeepsLines) {
  // Away from the edges a cubic with a = -1/2 through a straight line is that line.
  const Tensor x = make_floats({8}, {0, 1, 2, 3, 4, 5, 6, 7});
  const auto y = values_of(resize(x, {2}, {{"mode", text("cubic")}, {"cubic_coeff_a", -0.5F}}));
  for (size_t i = 4; i < 12; ++i) EXPECT_NEAR(y[i], (static_cast<double>(i) + 0.5) / 2 - 0.5, 1e-5);
}

TEST(Resize, TakesChannelsLastWithScalesInNchwOrder) {
  const Tensor x = random_floats({2, 3, 4, 5}, 1);
  const auto nhwc = [](const Tensor& t) {
    return run("Transpose", {t}, attributes({{"perm", std::vector<int64_t>{0, 2, 3, 1}}}));
  };
  for (const char* mode : {"nearest", "linear"}) {
    const Tensor expected = nhwc(resize(x, {1, 1, 2, 3}, {{"mode", text(mode)}}));
    const Tensor y = resize(nhwc(x), {1, 1, 2, 3}, {{"mode", text(mode)}, {"layout", text("NHWC")}});
    EXPECT_EQ(y.shape(), expected.shape());
    EXPECT_THAT(values_of(y), near(1e-6, values_of(expected)));
  }
}

TEST(Resize, KeepsTheAspectRatio) {
  const auto fitted = [](const char* policy) {
    return run("Resize", {random_floats({3, 4}, 1), Tensor(), Tensor(), make_ints({6, 6})},
               attributes({{"keep_aspect_ratio_policy", text(policy)}}))
        .shape();
  };
  EXPECT_EQ(fitted("not_larger"), (Shape{5, 6}));
  EXPECT_EQ(fitted("not_smaller"), (Shape{6, 8}));
  EXPECT_EQ(fitted("stretch"), (Shape{6, 6}));
}

TEST(Resize, InfersSymbols) {
  const Dim h = Dim::symbol("h");
  const Tensor scales = make_floats({2}, {1, 1.5});
  const auto r = infer("Resize", {{DType::kFloat32, SymShape{h, h}}, {}, {DType::kFloat32, SymShape{2}}},
                       {{}, {}, {&scales, std::nullopt}});
  EXPECT_EQ(*r.type.shape, (SymShape{h, floor_div(Dim(3) * h, Dim(2))}));
}

TEST(Resize, RefusesNonsense) {
  EXPECT_THROW(resize(kRow, {-1}, {}), Error);
  EXPECT_THROW(resize(kRow, {0}, {}), Error);
  EXPECT_THROW(resize(kRow, {std::nan("")}, {}), Error);
  EXPECT_THROW(resize(kRow, {1e30}, {}), Error);
  EXPECT_THROW(resize(kRow, {1, 1}, {}), Error);
  EXPECT_THROW(resize(kRow, {2}, {{"mode", text("magic")}}), Error);
  EXPECT_THROW(resize(kRow, {2}, {{"nearest_mode", text("magic")}}), Error);
  EXPECT_THROW(run("Resize", {kRow}), Error);
  EXPECT_THROW(run("Resize", {kRow, Tensor(), Tensor(), make_ints({-3})}), Error);
  EXPECT_THROW(run("Resize", {make_floats({0}, {}), Tensor(), Tensor(), make_ints({3})}), Error);
}

TEST(GridSample, IdentityGridGivesTheImageBack) {
  const Tensor x = random_floats({1, 2, 3, 4}, 2);
  for (int64_t corners : {0, 1})
    for (const char* mode : {"linear", "nearest", "cubic"}) {
      const Tensor theta = make_floats({1, 2, 3}, {1, 0, 0, 0, 1, 0});
      const AttributeMap attrs = attributes({{"align_corners", corners}, {"mode", text(mode)}});
      const Tensor grid = run("AffineGrid", {theta, make_ints({1, 2, 3, 4})}, attributes({{"align_corners", corners}}));
      EXPECT_THAT(values_of(run("GridSample", {x, grid}, attrs)), near(1e-5, values_of(x))) << mode << corners;
    }
}

TEST(GridSample, PadsOutside) {
  const Tensor x = make_floats({1, 1, 1, 3}, {1, 2, 3});
  const Tensor grid = make_floats({1, 1, 2, 2}, {-5.0 / 3, 0, std::nan(""), 0});
  const auto with = [&](const char* padding) {
    return values_of(
        run("GridSample", {x, grid}, attributes({{"padding_mode", text(padding)}, {"mode", text("nearest")}})))[0];
  };
  EXPECT_EQ(with("zeros"), 0);
  EXPECT_EQ(with("border"), 1);
  EXPECT_EQ(with("reflection"), 1);
  EXPECT_THROW(run("GridSample", {x, make_floats({1, 1, 2, 3}, std::vector<double>(6, 0))}), Error);
}

}  // namespace
}  // namespace burnish
