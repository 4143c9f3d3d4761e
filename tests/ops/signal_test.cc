#include "ops/op_tester.h"

namespace burnish {
namespace {

Tensor axis_of(int64_t a) {
  return Tensor::scalar<int64_t>(DType::kInt64, a);
}

TEST(Dft, OfAnImpulseIsFlat) {
  const Tensor x = make_floats({1, 4, 1}, {1, 0, 0, 0});
  EXPECT_THAT(values_of(run("DFT", {x, Tensor(), axis_of(1)})), near(1e-6, {1, 0, 1, 0, 1, 0, 1, 0}));
}

TEST(Dft, IsUndoneByItsInverse) {
  for (int64_t n : {1, 5, 8}) {
    const Tensor x = random_floats({2, n, 3, 2}, 1);
    const Tensor y = run("DFT", {x, Tensor(), axis_of(1)});
    EXPECT_THAT(values_of(run("DFT", {y, Tensor(), axis_of(1)}, attributes({{"inverse", int64_t{1}}}))),
                near(1e-6, values_of(x)));
  }
}

TEST(Dft, HalfASpectrumIsEnoughForRealSignals) {
  for (int64_t n : {5, 8}) {
    const Tensor x = random_floats({2, n, 1}, 2);
    const AttributeMap half = attributes({{"onesided", int64_t{1}}});
    const Tensor y = run("DFT", {x, Tensor(), axis_of(1)}, half);
    EXPECT_EQ(y.shape(), (Shape{2, n / 2 + 1, 2}));
    AttributeMap inverse = half;
    inverse.set("inverse", int64_t{1});
    EXPECT_THAT(values_of(run("DFT", {y, axis_of(n), axis_of(1)}, inverse)), near(1e-6, values_of(x)));
  }
}

TEST(Dft, RefusesNonsense) {
  const Tensor x = random_floats({2, 4, 1}, 1);
  EXPECT_THROW(run("DFT", {x, axis_of(0), axis_of(1)}), Error);
  EXPECT_THROW(run("DFT", {x, axis_of(-5), axis_of(1)}), Error);
  EXPECT_THROW(run("DFT", {x, Tensor(), axis_of(2)}), Error);
  EXPECT_THROW(run("DFT", {random_floats({2, 4, 3}, 1)}), Error);
}

TEST(Stft, TransformsEveryFrame) {
  const Tensor x = random_floats({1, 10, 1}, 3), step = axis_of(3), window = make_floats({4}, {1, 2, 3, 4});
  const Tensor y = run("STFT", {x, step, window});
  ASSERT_EQ(y.shape(), (Shape{1, 3, 3, 2}));
  std::vector<double> frame;
  for (int64_t i = 0; i < 4; ++i)
    frame.push_back(static_cast<double>(x.as<float>()[3 + i]) * static_cast<double>(i + 1));
  const auto expected = values_of(run("DFT", {make_floats({1, 4, 1}, frame)}, attributes({{"onesided", int64_t{1}}})));
  const auto v = values_of(y);
  EXPECT_THAT(std::vector<double>(v.begin() + 6, v.begin() + 12), near(1e-5, expected));
  EXPECT_THROW(run("STFT", {x, axis_of(0), window}), Error);
  EXPECT_THROW(run("STFT", {x, step, Tensor(), axis_of(11)}), Error);
}

}  // namespace
}  // namespace burnish
