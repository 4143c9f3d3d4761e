// cpu.bf16_winograd where transformed tiles and weights are bfloat16: every case against the reference, then how large
// the roundings are on normally distributed numbers.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "kernels/conv_case.h"
#include "kernels/encoded_case.h"

namespace burnish {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the vocabulary of these tests

constexpr std::string_view kTactic = "cpu.bf16_winograd";
const EncodedCase kFloats{{DType::kBFloat16}, {DType::kBFloat16}, {}, {}, false};
const EncodedCase kNarrow{{DType::kBFloat16}, {DType::kBFloat16}, {DType::kBFloat16}, {DType::kBFloat16}, false};

bool multiplies_bfloat16() {
  return detect_cpu(1).isa >= Isa::kAvx512Bf16;
}

constexpr const char* kConfig = "m=2 bf16";

/// Errors relative to the largest result: five standard deviations and more.
CheckOptions options() {
  return {.threads = {1, 3}, .isas = {Isa::kAvx512Bf16}, .tolerance = 0.012, .steps = 1, .configs = {kConfig}};
}

class Bf16Winograd : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!multiplies_bfloat16()) GTEST_SKIP() << "no instruction for products of bfloat16";
  }
  void check(const ConvCase& c, const EncodedCase& e) {
    expect_matches_reference(kTactic, encode_case(make_conv(c), e), options());
  }
};

TEST_F(Bf16Winograd, AnySize) {
  for (const int64_t height : {1, 3, 4, 13}) {
    for (const int64_t width : {1, 2, 6, 25}) {
      check({.batch = 2, .height = height, .width = width, .in = 6, .out = 9}, kNarrow);
    }
  }
  check({.batch = 2, .height = 65, .width = 50, .in = 35, .out = 20}, kNarrow);
}

TEST_F(Bf16Winograd, AnyChannels) {
  for (const int64_t in : {1, 2, 16, 17, 100}) {
    for (const int64_t out : {1, 16, 17, 100}) {
      check({.in = in, .out = out}, kNarrow);
      check({.in = in, .out = out}, kFloats);
    }
  }
}

TEST_F(Bf16Winograd, EveryKindOfActivationWithEveryResidual) {
  for (const std::string residual : {"", "before", "after"}) {
    for (const ActivationKind kind : {ActivationKind::kNone, ActivationKind::kRelu, ActivationKind::kSilu}) {
      for (const bool scales : {false, true}) {
        for (EncodedCase e : {kFloats, kNarrow}) {
          e.weight_scales = scales;
          SCOPED_TRACE(fmt::format("{} {} {}", residual, name_of(kind), scales));
          check({.height = 13, .in = 6, .out = 85, .residual = residual, .activation = {kind, 0, 0}}, e);
        }
      }
    }
  }
}

TEST_F(Bf16Winograd, RowsApart) {
  for (const EncodedCase& e : {kFloats, kNarrow}) {
    ProblemCase p = encode_case(make_conv({.batch = 2, .in = 5, .out = 21, .residual = "before"}), e);
    put_rows_apart(p, 5, 21);
    expect_matches_reference(kTactic, p, options());
  }
}

Tensor normal_bfloat16(const Shape& shape, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  Tensor floats(DType::kFloat32, shape);
  for (int64_t i = 0; i < floats.num_elements(); ++i) floats.as<float>()[i] = normal(random);
  return encoded(floats, {DType::kBFloat16});
}

double root_mean_square(const Tensor& t, const Tensor* subtracted) {
  double sum = 0;
  for (int64_t i = 0; i < t.num_elements(); ++i) {
    const double x = t.as<float>()[i] - (subtracted != nullptr ? subtracted->as<float>()[i] : 0);
    sum += x * x;
  }
  return std::sqrt(sum / static_cast<double>(t.num_elements()));
}

TEST_F(Bf16Winograd, ErrorOnNormalNumbers) {
  ProblemCase p = encode_case(make_conv({.height = 29, .width = 31, .in = 64, .out = 48, .bias = false}), kFloats);
  p.inputs[0] = normal_bfloat16(p.inputs[0].shape(), 21);
  p.inputs[1] = normal_bfloat16(p.inputs[1].shape(), 22);
  const std::vector<Tensor> expected = reference_of(p);
  PreparedCase prepared(*find_tactic(kTactic), p, expected, kConfig, Isa::kAvx512Bf16, 1);
  const double error = root_mean_square(prepared.output(0), expected.data());
  const double relative = error / root_mean_square(expected[0], nullptr);
  RecordProperty("relative_rms_error", std::to_string(relative));
  EXPECT_LT(relative, 0.005);
  EXPECT_GT(relative, 1e-4) << "not the configuration asked for";
}

TEST(Bf16WinogradConfigurations, AreOfferedWhereTheyPay) {
  const ProblemCase p = encode_case(make_conv({}), kNarrow);
  const Problem problem = make_problem(p, reference_of(p));
  const Tactic& tactic = *find_tactic(kTactic);
  EXPECT_EQ(tactic.candidates(problem, target_with(Isa::kAvx512, 1)).size(), 2U);
  const size_t most = multiplies_bfloat16() ? 3 : 2;
  EXPECT_EQ(tactic.candidates(problem, target_with(Isa::kAvx512Bf16, 1)).size(), most);
  EXPECT_THROW(find_tactic("cpu.f16_winograd")->pack(problem, "m=2 bf16"), Error);
}

}  // namespace
}  // namespace burnish
