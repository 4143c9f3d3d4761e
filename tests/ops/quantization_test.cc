#include "base/error.h"
#include "ops/op_tester.h"

namespace burnish {
namespace {

using testing::ElementsAre;

TEST(QuantizeLinear, PerTensorRoundsToEvenAndSaturates) {
  const Tensor x = make_floats(Shape{6}, {0, 1, 3, -3, 600, -600});
  const Tensor y = run("QuantizeLinear", {x, make_floats(Shape{}, {2}), make_tensor(DType::kUInt8, Shape{}, {128})});
  EXPECT_EQ(y.dtype(), DType::kUInt8);
  EXPECT_THAT(values_of(y), ElementsAre(128, 128, 130, 126, 255, 0));
}

TEST(QuantizeLinear, PerAxisAndBlocked) {
  const Tensor x = make_floats(Shape{2, 4}, {1, 2, 3, 4, 5, 6, 7, 8});
  const AttributeMap int8 = attributes({{"axis", int64_t{0}}, {"output_dtype", std::string("int8")}});
  EXPECT_THAT(values_of(run("QuantizeLinear", {x, make_floats(Shape{2}, {1, 0.5})}, int8)),
              ElementsAre(1, 2, 3, 4, 10, 12, 14, 16));
  const AttributeMap blocks = attributes({{"axis", int64_t{1}}, {"block_size", int64_t{3}}});
  EXPECT_THAT(values_of(run("QuantizeLinear", {x, make_floats(Shape{2, 2}, {1, 2, 0.5, 4})}, blocks)),
              ElementsAre(1, 2, 3, 2, 10, 12, 14, 2));
  EXPECT_THROW(run("QuantizeLinear", {x, make_floats(Shape{3}, {1, 2, 3})}, int8), Error);
  EXPECT_THROW(run("QuantizeLinear", {x, make_floats(Shape{2, 3}, {1, 2, 3, 4, 5, 6})}, blocks), Error);
}

TEST(QuantizeLinear, NarrowTypes) {
  const Tensor x = make_floats(Shape{4}, {-20, -1, 1.5, 20});
  const auto to = [&](DType dtype) {
    const Tensor y = run("QuantizeLinear", {x, make_floats(Shape{}, {1}), make_tensor(dtype, Shape{}, {0})});
    EXPECT_EQ(y.dtype(), dtype);
    return values_of(y);
  };
  EXPECT_THAT(to(DType::kInt4), ElementsAre(-8, -1, 2, 7));
  EXPECT_THAT(to(DType::kUInt2), ElementsAre(0, 0, 2, 3));
  EXPECT_THAT(to(DType::kFloat4E2M1), ElementsAre(-6, -1, 1.5, 6));
  EXPECT_THAT(to(DType::kFloat8E4M3FN), ElementsAre(-20, -1, 1.5, 20));
}

TEST(DequantizeLinear, UndoesQuantization) {
  const Tensor q = make_tensor(DType::kInt8, Shape{2, 2}, {-128, 0, 10, 127});
  const Tensor scale = make_floats(Shape{2}, {0.5, 2});
  const Tensor zero = make_tensor(DType::kInt8, Shape{2}, {-128, 7});
  EXPECT_THAT(values_of(run("DequantizeLinear", {q, scale, zero})), ElementsAre(0, -14, 69, 240));
  const Tensor half = make_tensor(DType::kFloat16, Shape{}, {0.5});
  EXPECT_EQ(run("DequantizeLinear", {q, half}).dtype(), DType::kFloat16);
}

TEST(DequantizeLinear, BlocksOfFourBits) {
  const Tensor q = make_tensor(DType::kUInt4, Shape{1, 5}, {1, 2, 3, 4, 15});
  const Tensor scale = make_floats(Shape{1, 3}, {1, 10, 100});
  const AttributeMap attrs = attributes({{"block_size", int64_t{2}}});
  EXPECT_THAT(values_of(run("DequantizeLinear", {q, scale}, attrs)), ElementsAre(1, 2, 30, 40, 1500));
}

TEST(DynamicQuantizeLinear, CoversTheRangeWithZero) {
  const auto y = run_all("DynamicQuantizeLinear", {make_floats(Shape{4}, {0, -1, 1.55, 0.5})}, {}, 3);
  EXPECT_THAT(values_of(y[1]), near(1e-6, {0.01}));
  EXPECT_THAT(values_of(y[2]), ElementsAre(100));
  EXPECT_THAT(values_of(y[0]), ElementsAre(100, 0, 255, 150));
  const auto zeros = run_all("DynamicQuantizeLinear", {make_floats(Shape{2}, {0, 0})}, {}, 3);
  EXPECT_THAT(values_of(zeros[0]), ElementsAre(0, 0));
}

}  // namespace
}  // namespace burnish
