#include "ops/op_tester.h"

namespace burnish {
namespace {

TEST(BatchNormalization, ScalesEveryChannel) {
  const Tensor x = make_floats({1, 2, 2}, {1, 2, 3, 4});
  const Tensor y = run(
      "BatchNormalization",
      {x, make_floats({2}, {2, 1}), make_floats({2}, {0.5, -1}), make_floats({2}, {1, 3}), make_floats({2}, {4, 1})},
      attributes({{"epsilon", 0.0F}}));
  EXPECT_THAT(values_of(y), near(1e-6, {0.5, 1.5, -1, 0}));
  EXPECT_THROW(run("BatchNormalization", {x, make_floats({3}, {1, 1, 1}), make_floats({2}, {0, 0}),
                                          make_floats({2}, {0, 0}), make_floats({2}, {1, 1})}),
               Error);
}

/// After normalising, every group has mean 0 and variance 1.
void expect_standardised(const Tensor& y, int64_t group) {
  const auto v = values_of(y);
  for (size_t at = 0; at < v.size(); at += static_cast<size_t>(group)) {
    double mean = 0, square = 0;
    for (size_t i = at; i < at + static_cast<size_t>(group); ++i) mean += v[i] / static_cast<double>(group);
    for (size_t i = at; i < at + static_cast<size_t>(group); ++i)
      square += (v[i] - mean) * (v[i] - mean) / static_cast<double>(group);
    EXPECT_NEAR(mean, 0, 1e-5);
    EXPECT_NEAR(square, 1, 1e-3);
  }
}

TEST(Normalization, StandardisesItsGroups) {
  const Tensor x = random_floats({2, 6, 3, 5}, 1), one = make_floats({6}, std::vector<double>(6, 1)),
               zero = make_floats({6}, std::vector<double>(6, 0));
  expect_standardised(run("InstanceNormalization", {x, one, zero}), 15);
  expect_standardised(run("GroupNormalization", {x, one, zero}, attributes({{"num_groups", int64_t{2}}})), 45);
  const Tensor row = make_floats({5}, std::vector<double>(5, 1));
  expect_standardised(run("LayerNormalization", {x, row}), 5);
  expect_standardised(run("LayerNormalization", {x, row}, attributes({{"axis", int64_t{1}}})), 90);
  expect_standardised(run("MeanVarianceNormalization", {x}, attributes({{"axes", std::vector<int64_t>{2, 3}}})), 15);
  EXPECT_THROW(run("GroupNormalization", {x, one, zero}, attributes({{"num_groups", int64_t{4}}})), Error);
  EXPECT_THROW(run("GroupNormalization", {x, one, zero}), Error);
}

TEST(LayerNormalization, GivesItsStatistics) {
  const Tensor x = make_floats({2, 2}, {1, 3, -2, 2});
  const auto out = run_all("LayerNormalization", {x, make_floats({2}, {2, 1}), make_floats({2}, {0, 5})},
                           attributes({{"epsilon", 0.0F}}), 3);
  EXPECT_THAT(values_of(out[0]), near(1e-6, {-2, 6, -2, 6}));
  EXPECT_EQ(out[1].shape(), (Shape{2, 1}));
  EXPECT_THAT(values_of(out[1]), near(1e-6, {2, 0}));
  EXPECT_THAT(values_of(out[2]), near(1e-6, {1, 0.5}));
}

TEST(LayerNormalization, KeepsSymbolsAndTypes) {
  const Dim s = Dim::symbol("s");
  const TypeInfo x{DType::kFloat16, SymShape{2, s, 768}};
  EXPECT_EQ(infer("LayerNormalization", {x, {DType::kFloat16, SymShape{768}}}).type, x);
  EXPECT_THROW(infer("LayerNormalization", {x, {DType::kFloat16, SymShape{767}}}), Error);
  EXPECT_THROW(
      infer("LayerNormalization", {x, {DType::kFloat16, SymShape{768}}}, {}, attributes({{"axis", int64_t{3}}})),
      Error);
}

TEST(RmsNormalization, DividesByTheRoot) {
  const Tensor y =
      run("RMSNormalization", {make_floats({1, 2}, {3, 4}), make_floats({2}, {1, 2})}, attributes({{"epsilon", 0.0F}}));
  EXPECT_THAT(values_of(y), near(1e-6, {3 / std::sqrt(12.5), 8 / std::sqrt(12.5)}));
}

TEST(Lrn, SumsOverNeighbouringChannels) {
  const Tensor x = make_floats({1, 3, 1}, {1, 2, 3});
  const Tensor y = run("LRN", {x}, attributes({{"size", int64_t{3}}, {"alpha", 3.0F}, {"beta", 1.0F}, {"bias", 0.0F}}));
  EXPECT_THAT(values_of(y), near(1e-6, {1.0 / 5, 2.0 / 14, 3.0 / 13}));
  EXPECT_THROW(run("LRN", {x}), Error);
}

}  // namespace
}  // namespace burnish
