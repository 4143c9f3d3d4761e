#include "compile/made_up_values.h"

#include "base/tensor.h"
#include "ops/elements.h"

namespace burnish {
namespace {

TEST(MadeUpValues, FloatsDifferAndAreSmallInEveryType) {
  Tensor expected(DType::kFloat32, {100});
  fill_made_up_values(DType::kFloat32, expected.data(), 100);
  const float* floats = expected.as<float>();
  EXPECT_LT(*std::min_element(floats, floats + 100), -0.3F);
  EXPECT_GT(*std::max_element(floats, floats + 100), 0.3F);
  for (const DType dtype : {DType::kFloat16, DType::kBFloat16}) {
    Tensor narrow(dtype, {100});
    fill_made_up_values(dtype, narrow.data(), 100);
    float values[100];
    load_elements<float>(TensorView{dtype, Shape{100}, narrow.data()}, values);
    for (int i = 0; i < 100; ++i) EXPECT_NEAR(values[i], floats[i], 0.004) << name_of(dtype) << i;
  }
}

TEST(MadeUpValues, IntegersAreIndicesAndMasksAreTrue) {
  uint8_t bytes[8] = {9, 9, 9, 9, 9, 9, 9, 9};
  fill_made_up_values(DType::kInt32, bytes, 2);
  EXPECT_THAT(bytes, testing::Each(0));
  fill_made_up_values(DType::kBool, bytes, 8);
  EXPECT_THAT(bytes, testing::Each(1));
}

}  // namespace
}  // namespace burnish
