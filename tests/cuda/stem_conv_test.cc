// cuda.stem_conv against the reference, which computes in single precision.
#include <gtest/gtest.h>

#include <cmath>

#include "cuda/cuda_case.h"
#include "kernels/conv_case.h"
#include "kernels/encoded_case.h"

namespace burnish {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the vocabulary of these tests

/// Of X and of everything else.
class CudaStemConv : public ::testing::TestWithParam<std::pair<DType, DType>> {
 protected:
  ProblemCase stored(const ConvCase& c, bool weight_scales = false) {
    const auto [x, other] = GetParam();
    ProblemCase p = encode_case(make_conv(c), {{x}, {other}, {other}, {other}, weight_scales});
    // The kernel rounds what it reads, the reference does not.
    for (int64_t i = 0; x == DType::kFloat32 && i < p.inputs[0].num_elements(); ++i) {
      float& v = p.inputs[0].as<float>()[i];
      v = std::floor(v * 32) / 32;
    }
    return p;
  }
  void expect_conv(const ConvCase& c, CudaOptions options = {}) {
    options.check = {.tolerance = 1e-5, .steps = 1};
    expect_gpu_matches("cuda.stem_conv", stored(c), options);
  }
};

INSTANTIATE_TEST_SUITE_P(
    Types, CudaStemConv,
    ::testing::Values(std::pair{DType::kFloat32, DType::kFloat16}, std::pair{DType::kFloat16, DType::kFloat16},
                      std::pair{DType::kFloat32, DType::kBFloat16}, std::pair{DType::kBFloat16, DType::kBFloat16}),
    [](const auto& test) { return fmt::format("{}_{}", name_of(test.param.first), name_of(test.param.second)); });

ConvCase resnet_stem(int64_t batch, int64_t size) {
  return {.batch = batch,
          .height = size,
          .width = size,
          .in = 3,
          .out = 64,
          .kernel = {7, 7},
          .strides = {2, 2},
          .pads = {3, 3, 3, 3},
          .nhwc_input = false,
          .activation = {ActivationKind::kRelu}};
}

TEST_P(CudaStemConv, StemOfResNet) {
  expect_conv(resnet_stem(1, 61));
  expect_conv(resnet_stem(5, 96), {.free_inputs = {1}, .free_outputs = {1}});
}

TEST_P(CudaStemConv, StemOfYolo) {
  expect_conv({.batch = 2,
               .height = 70,
               .width = 50,
               .in = 3,
               .out = 32,
               .kernel = {6, 6},
               .strides = {2, 2},
               .pads = {2, 2, 2, 2},
               .nhwc_input = false,
               .activation = {ActivationKind::kSilu}});
}

TEST_P(CudaStemConv, OtherGeometries) {
  expect_conv({.batch = 2, .in = 1, .out = 7, .residual = "before"});
  expect_conv({.height = 40, .width = 33, .in = 4, .out = 100, .residual = "after", .bias = false});
  expect_conv(
      {.height = 30, .width = 31, .in = 2, .out = 40, .kernel = {3, 2}, .pads = {0, 1, 2, 0}, .dilations = {2, 3}});
  expect_conv(
      {.height = 32, .width = 48, .in = 3, .out = 96, .kernel = {4, 4}, .strides = {4, 4}, .pads = {0, 0, 0, 0}});
}

TEST_P(CudaStemConv, ImagesOfFreeSizeRowsApartAndMisaligned) {
  expect_conv({.height = 24, .width = 20, .in = 3, .out = 16}, {.free_inputs = {7}, .free_outputs = {7}});
  ProblemCase c = stored({.batch = 2, .height = 18, .width = 21, .in = 3, .out = 24, .residual = "before"}, true);
  put_rows_apart(c, 3, 24);
  for (const int misalign : {0, 1}) {
    expect_gpu_matches("cuda.stem_conv", c, {.check = {.tolerance = 1e-5, .steps = 1}, .misalign = misalign});
  }
}

}  // namespace
}  // namespace burnish
