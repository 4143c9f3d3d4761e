// cpu.f32_winograd against the reference: tiles cut by the border, pads, channels, few and many tiles, epilogues.
#include <gtest/gtest.h>

#include "kernels/conv_case.h"

namespace burnish {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the vocabulary of these tests

constexpr std::string_view kTactic = "cpu.f32_winograd";
const CheckOptions kOptions{.threads = {1, 3}, .tolerance = 5e-5};

void check(const ConvCase& c) {
  expect_matches_reference(kTactic, make_conv(c), kOptions);
}

TEST(F32Winograd, AnySize) {
  for (const int64_t height : {1, 3, 4, 7, 13}) {
    for (const int64_t width : {1, 2, 6, 25}) check({.batch = 2, .height = height, .width = width, .in = 6, .out = 9});
  }
}

TEST(F32Winograd, AnyChannels) {
  for (const int64_t in : {1, 16, 17, 33, 100}) {
    for (const int64_t out : {1, 5, 16, 17, 100}) check({.in = in, .out = out});
  }
}

TEST(F32Winograd, AnyPads) {
  for (const std::vector<int64_t>& pads :
       {std::vector<int64_t>{0, 0, 0, 0}, {1, 0, 2, 3}, {0, 2, 0, 0}, {5, 7, 9, 8}}) {
    check({.height = 9, .width = 8, .in = 6, .out = 9, .pads = pads});
  }
}

TEST(F32Winograd, ManyTiles) {
  check({.batch = 2, .height = 65, .width = 50, .in = 35, .out = 20});
}

TEST(F32Winograd, EveryActivationWithEveryResidual) {
  for (const std::string residual : {"", "before", "after"}) {
    for (int kind = 0; kind <= static_cast<int>(ActivationKind::kHardSigmoid); ++kind) {
      check(
          {.in = 6, .out = 21, .residual = residual, .activation = {static_cast<ActivationKind>(kind), 0.25F, 0.75F}});
    }
  }
}

TEST(F32Winograd, RowsApart) {
  ProblemCase p = make_conv({.batch = 2, .in = 5, .out = 21, .residual = "before"});
  put_rows_apart(p, 5, 21);
  expect_matches_reference(kTactic, p, kOptions);
}

TEST(F32Winograd, BiasAbsentOrUnknown) {
  check({.in = 5, .out = 21, .bias = false});
  ProblemCase p = make_conv({.in = 6, .out = 22});
  p.constant[2] = false;
  expect_matches_reference(kTactic, p, kOptions);
}

TEST(F32Winograd, LeavesOtherConvolutionsAlone) {
  for (const ConvCase& c : {ConvCase{.strides = {2, 2}}, ConvCase{.dilations = {2, 2}}, ConvCase{.kernel = {3, 1}},
                            ConvCase{.nhwc_input = false}}) {
    const ProblemCase p = make_conv(c);
    EXPECT_FALSE(find_tactic(kTactic)->supports(make_problem(p, reference_of(p)), target_with(Isa::kAvx512, 1)));
  }
}

}  // namespace
}  // namespace burnish
