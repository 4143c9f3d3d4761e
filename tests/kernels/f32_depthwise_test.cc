// cpu.f32_depthwise against the reference: kernels, strides, dilations, pads, channels, epilogues.
#include <gtest/gtest.h>

#include "kernels/conv_case.h"

namespace burnish {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the vocabulary of these tests

constexpr std::string_view kTactic = "cpu.f32_depthwise";
const CheckOptions kOptions{.threads = {1, 3}, .tolerance = 1e-5};

ConvCase depthwise(int64_t channels) {
  return {.batch = 2, .height = 13, .width = 22, .in = channels, .out = channels, .group = channels};
}

void check(const ConvCase& c) {
  expect_matches_reference(kTactic, make_conv(c), kOptions);
}

TEST(F32Depthwise, AnyChannels) {
  for (const int64_t channels : {2, 3, 5, 16, 17, 33, 100}) check(depthwise(channels));
}

TEST(F32Depthwise, Geometry) {
  for (const std::vector<int64_t>& kernel : {std::vector<int64_t>{3, 3}, {1, 5}, {4, 2}, {7, 7}}) {
    for (const std::vector<int64_t>& strides : {std::vector<int64_t>{1, 1}, {2, 2}, {3, 1}}) {
      for (const std::vector<int64_t>& pads : {std::vector<int64_t>{0, 0, 0, 0}, {1, 2, 3, 0}, {9, 9, 9, 9}}) {
        for (const std::vector<int64_t>& dilations : {std::vector<int64_t>{1, 1}, {2, 3}}) {
          ConvCase c = depthwise(5);
          c.kernel = kernel;
          c.strides = strides;
          c.pads = pads;
          c.dilations = dilations;
          c.height = c.width = 23;
          check(c);
        }
      }
    }
  }
}

TEST(F32Depthwise, EveryActivationWithEveryResidual) {
  for (const std::string residual : {"", "before", "after"}) {
    for (int kind = 0; kind <= static_cast<int>(ActivationKind::kHardSigmoid); ++kind) {
      ConvCase c = depthwise(21);
      c.residual = residual;
      c.activation = {static_cast<ActivationKind>(kind), 0.25F, 0.75F};
      check(c);
    }
  }
}

TEST(F32Depthwise, RowsApart) {
  ConvCase c = depthwise(21);
  c.residual = "before";
  ProblemCase p = make_conv(c);
  put_rows_apart(p, 21, 21);
  expect_matches_reference(kTactic, p, kOptions);
}

TEST(F32Depthwise, BiasAbsentOrUnknown) {
  ConvCase c = depthwise(21);
  c.bias = false;
  check(c);
  ProblemCase p = make_conv(depthwise(19));
  p.constant[2] = false;
  expect_matches_reference(kTactic, p, kOptions);
}

TEST(F32Depthwise, LeavesOtherGroupsAlone) {
  const ProblemCase p = make_conv({.in = 6, .out = 12, .group = 6});
  EXPECT_FALSE(find_tactic(kTactic)->supports(make_problem(p, reference_of(p)), target_with(Isa::kAvx512, 1)));
}

}  // namespace
}  // namespace burnish
