// cpu.f32_conv against the reference: kernels, strides, dilations, pads, channels, groups, layouts, epilogues.
#include <gtest/gtest.h>

#include "kernels/conv_case.h"

namespace burnish {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the vocabulary of these tests

constexpr std::string_view kTactic = "cpu.f32_conv";
const CheckOptions kOptions{.threads = {1, 3}, .tolerance = 1e-5};

void check(const ConvCase& c) {
  expect_matches_reference(kTactic, make_conv(c), kOptions);
}

TEST(F32Conv, AnyChannels) {
  for (const int64_t in : {1, 3, 17, 33}) {
    for (const int64_t out : {1, 5, 17, 64, 100}) check({.in = in, .out = out});
  }
}

TEST(F32Conv, Pointwise) {
  for (const int64_t out : {1, 16, 33, 145}) {
    check({.batch = 2, .in = 20, .out = out, .kernel = {1, 1}, .pads = {0, 0, 0, 0}});
    check({.batch = 2, .in = 20, .out = out, .kernel = {1, 1}, .strides = {2, 2}, .pads = {0, 0, 0, 0}});
  }
  check({.in = 6, .out = 20, .kernel = {1, 1}, .pads = {1, 0, 2, 3}});
}

TEST(F32Conv, Geometry) {
  for (const std::vector<int64_t>& kernel : {std::vector<int64_t>{3, 3}, {1, 5}, {4, 2}, {7, 7}}) {
    for (const std::vector<int64_t>& strides : {std::vector<int64_t>{1, 1}, {2, 2}, {3, 1}}) {
      for (const std::vector<int64_t>& pads : {std::vector<int64_t>{0, 0, 0, 0}, {1, 2, 3, 0}, {3, 3, 3, 3}}) {
        check({.batch = 2, .height = 13, .width = 10, .kernel = kernel, .strides = strides, .pads = pads});
      }
    }
  }
  check({.height = 13, .width = 12, .pads = {2, 1, 0, 3}, .dilations = {2, 3}});
  check({.height = 13, .width = 12, .pads = {0, 0, 0, 0}, .dilations = {3, 2}});
}

TEST(F32Conv, FromPlanesToChannelsLast) {
  for (const int64_t in : {1, 3, 4, 19}) {
    check({.batch = 2,
           .height = 37,
           .width = 41,
           .in = in,
           .out = 33,
           .kernel = {7, 7},
           .strides = {2, 2},
           .pads = {3, 3, 3, 3},
           .nhwc_input = false});
  }
  check({.in = 3, .out = 16, .kernel = {1, 1}, .pads = {0, 0, 0, 0}, .nhwc_input = false});
}

TEST(F32Conv, Groups) {
  for (const int64_t group : {2, 5}) {
    check({.batch = 2, .in = 10, .out = 20, .strides = {2, 1}, .group = group});
    check({.in = 10, .out = 20, .kernel = {1, 1}, .pads = {0, 0, 0, 0}, .group = group, .residual = "before"});
  }
}

TEST(F32Conv, EveryActivationWithEveryResidual) {
  for (const std::string residual : {"", "before", "after"}) {
    for (int kind = 0; kind <= static_cast<int>(ActivationKind::kHardSigmoid); ++kind) {
      const Activation activation{static_cast<ActivationKind>(kind), 0.25F, 0.75F};
      check({.in = 6, .out = 21, .residual = residual, .activation = activation});
      check(
          {.in = 6, .out = 21, .kernel = {1, 1}, .pads = {0, 0, 0, 0}, .residual = residual, .activation = activation});
    }
  }
}

TEST(F32Conv, RowsApart) {
  for (const int64_t kernel : {1, 3}) {
    ProblemCase p = make_conv({.batch = 2, .in = 5, .out = 21, .kernel = {kernel, kernel}, .residual = "before"});
    put_rows_apart(p, 5, 21);
    expect_matches_reference(kTactic, p, kOptions);
    p = make_conv({.in = 5, .out = 21, .kernel = {kernel, kernel}, .pads = {0, 0, 0, 0}, .residual = "after"});
    put_rows_apart(p, 5, 21);
    expect_matches_reference(kTactic, p, kOptions);
  }
}

TEST(F32Conv, BiasAbsentOrUnknown) {
  check({.in = 5, .out = 21, .bias = false});
  ProblemCase p = make_conv({.in = 6, .out = 22, .group = 2});
  p.constant[2] = false;
  expect_matches_reference(kTactic, p, kOptions);
}

TEST(F32Conv, ImagesLargerThanABand) {
  expect_matches_reference(kTactic, make_conv({.batch = 2, .height = 70, .width = 90, .in = 40, .out = 17}),
                           {.threads = {2}, .tolerance = 1e-5});
}

}  // namespace
}  // namespace burnish
