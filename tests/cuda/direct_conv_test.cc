// cuda.direct_conv and cuda.depthwise against the reference.
#include <gtest/gtest.h>

#include "cuda/cuda_case.h"
#include "kernels/conv_case.h"
#include "kernels/encoded_case.h"

namespace burnish {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the vocabulary of these tests

const CheckOptions kCheck = {.tolerance = 1e-5, .steps = 1};

EncodedCase all_of(DType dtype) {
  return {{dtype}, {dtype}, {dtype}, {dtype}, false};
}

TEST(CudaDirectConv, EveryLayoutAndType) {
  for (const DType dtype : {DType::kFloat32, DType::kFloat16, DType::kBFloat16}) {
    for (const bool nhwc : {false, true}) {
      ConvCase c{.batch = 2, .in = 6, .out = 9, .group = 3, .nhwc_input = nhwc, .activation = {ActivationKind::kSilu}};
      expect_gpu_matches("cuda.direct_conv", encode_case(make_conv(c), all_of(dtype)),
                         {.check = kCheck, .misalign = 1});
    }
  }
}

TEST(CudaDirectConv, ResultsByChannel) {
  ProblemCase c{.op = "FusedConv"};
  c.inputs = {random_floats({2, 6, 9, 7}, 1), random_floats({8, 3, 3, 3}, 2), random_floats({8}, 3),
              random_floats({2, 8, 5, 4}, 4)};
  c.constant = {false, false, true};
  c.attrs.set("strides", std::vector<int64_t>{2, 2});
  c.attrs.set("pads", std::vector<int64_t>{1, 1, 1, 1});
  c.attrs.set("group", int64_t{2});
  c.attrs.set("residual", std::string("before"));
  expect_gpu_matches("cuda.direct_conv", c, {.check = kCheck, .free_inputs = {13}, .free_outputs = {13}});
}

TEST(CudaDirectConv, OneAndThreeDimensions) {
  ProblemCase c{.op = "Conv"};
  c.inputs = {random_floats({2, 4, 31}, 1), random_floats({6, 4, 5}, 2), random_floats({6}, 3)};
  c.attrs.set("pads", std::vector<int64_t>{2, 2});
  expect_gpu_matches("cuda.direct_conv", c, {.check = kCheck});
  c.inputs = {random_floats({1, 2, 5, 6, 7}, 1), random_floats({3, 2, 3, 2, 3}, 2), random_floats({3}, 3)};
  c.attrs.set("pads", std::vector<int64_t>{1, 0, 1, 1, 1, 1});
  expect_gpu_matches("cuda.direct_conv", c, {.check = kCheck});
}

TEST(CudaDepthwise, WholeAndOddChannels) {
  for (const DType dtype : {DType::kFloat32, DType::kFloat16, DType::kBFloat16}) {
    for (const int64_t channels : {16, 21}) {
      ConvCase c{.batch = 2,
                 .in = channels,
                 .out = channels,
                 .strides = {1, 2},
                 .group = channels,
                 .residual = "before",
                 .activation = {ActivationKind::kHardSwish}};
      ProblemCase p = encode_case(make_conv(c), all_of(dtype));
      expect_gpu_matches("cuda.depthwise", p, {.check = kCheck});
      put_rows_apart(p, channels, channels);
      expect_gpu_matches("cuda.depthwise", p, {.check = kCheck, .misalign = 1});
    }
  }
}

}  // namespace
}  // namespace burnish
