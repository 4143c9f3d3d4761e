// The approximate activations of GPU programs, evaluated here. The GPU's own exp and division add some 2^-20.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace burnish {
namespace {

#define BURNISH_TEXT(...) __VA_ARGS__
#define __device__
#define __forceinline__ inline
float __fdividef(float a, float b) {
  return a / b;
}
float __expf(float x) {
  return std::exp(x);
}
float power_of_two(float x) {
  return std::exp2(x);
}
#include "kernels/cuda/fast_activations.inc"
#undef __device__
#undef __forceinline__

/// Between neighbouring FLOAT16 numbers at y.
double spacing(double y) {
  return std::ldexp(1.0, std::max(std::ilogb(y), -14) - 10);
}

/// The largest error of any float in [-10, 10] in steps of 64 units in the last place, in spacings of FLOAT16.
template <typename Fast, typename Exact>
double worst_error(Fast fast, Exact exact) {
  double worst = 0;
  for (uint32_t bits = std::bit_cast<uint32_t>(1e-8F); bits < std::bit_cast<uint32_t>(10.0F); bits += 64) {
    for (const float x : {std::bit_cast<float>(bits), -std::bit_cast<float>(bits)}) {
      const double y = exact(static_cast<double>(x));
      worst = std::max(worst, std::fabs(static_cast<double>(fast(x)) - y) / spacing(y));
    }
  }
  return worst;
}

TEST(FastActivations, AreOffByLessThanAQuarterOfTheSpacing) {
  EXPECT_LT(worst_error(fn_sigmoid_fast, [](double x) { return 1 / (1 + std::exp(-x)); }), 0.25);
  EXPECT_LT(worst_error(fn_silu_fast, [](double x) { return x / (1 + std::exp(-x)); }), 0.25);
  EXPECT_LT(worst_error(fn_tanh_fast, [](double x) { return std::tanh(x); }), 0.25);
  EXPECT_LT(worst_error(fn_gelu_fast, [](double x) { return 0.5 * x * std::erfc(-x * M_SQRT1_2); }), 0.25);
  // 1 + tanh(u) as it does not cancel.
  EXPECT_LT(
      worst_error(fn_gelu_tanh_fast,
                  [](double x) { return x / (1 + std::exp(-2 * std::sqrt(M_2_PI) * (x + 0.044715 * x * x * x))); }),
      0.25);
}

TEST(FastActivations, KeepTheirLimits) {
  for (const auto fast : {fn_silu_fast, fn_gelu_fast, fn_gelu_tanh_fast}) {
    EXPECT_EQ(fast(1e30F), 1e30F);
    EXPECT_EQ(fast(-1e30F), 0);
    EXPECT_TRUE(std::isnan(fast(NAN)));
  }
  EXPECT_EQ(fn_tanh_fast(100), 1);
  EXPECT_EQ(fn_tanh_fast(-100), -1);
}

}  // namespace
}  // namespace burnish
