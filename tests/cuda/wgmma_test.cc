// cuda.wgmma_gemm and cuda.wgmma_conv against the reference, which computes in single precision.
#include <gtest/gtest.h>

#include "cuda/cuda_case.h"
#include "kernels/conv_case.h"
#include "kernels/encoded_case.h"

namespace burnish {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the vocabulary of these tests

constexpr uint32_t kBatchFree = 1;
const CudaOptions kAnyBatch = {.free_inputs = {kBatchFree}, .free_outputs = {kBatchFree}};

class CudaWgmma : public ::testing::TestWithParam<DType> {
 protected:
  EncodedCase encodings() const { return {{GetParam()}, {GetParam()}, {GetParam()}, {GetParam()}, false}; }
  void expect_gemm(const ProblemCase& c, CudaOptions options = {}) {
    options.check.tolerance = 1e-5;  // sums are taken in another order
    options.check.steps = 1;
    expect_gpu_matches("cuda.wgmma_gemm", encode_case(c, encodings()), options);
  }
  void expect_conv(const ProblemCase& c, CudaOptions options = {}) {
    options.check.tolerance = 1e-5;
    options.check.steps = 1;
    expect_gpu_matches("cuda.wgmma_conv", encode_case(c, encodings()), options);
  }
};

INSTANTIATE_TEST_SUITE_P(Types, CudaWgmma, ::testing::Values(DType::kFloat16, DType::kBFloat16),
                         [](const auto& test) { return std::string(name_of(test.param)); });

ProblemCase matmul(int64_t m, int64_t k, int64_t n, const std::string& residual = {}) {
  ProblemCase c{.op = "FusedMatMul"};
  c.inputs = {random_floats({m, k}, 1), random_floats({k, n}, 2), random_floats({n}, 3)};
  c.constant = {false, true, true};
  if (residual.empty()) return c;
  c.attrs.set("residual", residual);
  c.inputs.push_back(random_floats({m, n}, 4));
  c.constant.push_back(false);
  return c;
}

TEST_P(CudaWgmma, OneTile) {
  expect_gemm(matmul(64, 64, 64));
}

TEST_P(CudaWgmma, OddSizes) {
  expect_gemm(matmul(1, 8, 3));
  expect_gemm(matmul(33, 104, 77));
  expect_gemm(matmul(300, 1032, 130));
}

TEST_P(CudaWgmma, MoreTilesThanMultiprocessors) {
  expect_gemm(matmul(2100, 136, 1032, "before"), kAnyBatch);
}

/// The ring of stages goes round more than twice within a tile, and blocks have several.
TEST_P(CudaWgmma, ManyTilesOfManySteps) {
  expect_gemm(matmul(17000, 1104, 64), kAnyBatch);
}

TEST_P(CudaWgmma, RowsApartAndMisaligned) {
  ProblemCase c = matmul(70, 72, 40, "after");
  for (const int64_t row : {80, 75}) {
    c.input_strides = {row, 0, 0, 41};
    c.output_strides = {48};
    expect_gemm(c);
    expect_gemm(c, {.misalign = 1});
  }
}

TEST_P(CudaWgmma, TransposedWeightsAndScales) {
  ProblemCase c{.op = "FusedMatMul"};
  c.inputs = {random_floats({2, 37, 64}, 1), random_floats({40, 64}, 2)};
  c.constant = {false, true};
  c.attrs.set("transB", int64_t{1});
  c.attrs.set("alpha", -0.5F);
  expect_gemm(c, kAnyBatch);
}

TEST_P(CudaWgmma, ActivationsWithoutResidual) {
  for (const ActivationKind kind : {ActivationKind::kGelu, ActivationKind::kSilu, ActivationKind::kRelu}) {
    ProblemCase c = matmul(300, 136, 264);
    set_activation(c.attrs, {kind});
    expect_gemm(c, kAnyBatch);
  }
}

TEST_P(CudaWgmma, EveryActivation) {
  for (int kind = 0; kind <= static_cast<int>(ActivationKind::kHardSigmoid); ++kind) {
    ProblemCase c = matmul(20, 32, 24, kind % 2 == 0 ? "before" : "after");
    set_activation(c.attrs, {static_cast<ActivationKind>(kind), 0.25F, 0.5F});
    expect_gemm(c);
  }
}

TEST_P(CudaWgmma, OtherTypesOfResidualAndResult) {
  for (const DType other : {DType::kFloat32, DType::kFloat16, DType::kBFloat16}) {
    EncodedCase e = encodings();
    e.r = {other};
    e.y = {other};
    e.weight_scales = true;
    expect_gpu_matches("cuda.wgmma_gemm", encode_case(matmul(40, 64, 48, "before"), e),
                       {.check = {.tolerance = 1e-5, .steps = 1}});
  }
}

TEST_P(CudaWgmma, EveryConfiguration) {
  CudaOptions options;
  options.check.configs = {"sm_90a tile=64x64x64 groups=1x1 stages=8 alternate=0",
                           "sm_90a tile=64x128x64 groups=1x2 stages=8 alternate=0",
                           "sm_90a tile=128x64x64 groups=2x1 stages=8 alternate=0",
                           "sm_90a tile=128x128x64 groups=2x1 stages=3 alternate=0",
                           "sm_90a tile=128x192x64 groups=2x1 stages=5 alternate=0",
                           "sm_90a tile=128x256x64 groups=2x1 stages=4 alternate=0",
                           "sm_90a tile=256x64x64 groups=2x1 stages=5 alternate=0",
                           "sm_90a tile=256x128x64 groups=2x1 stages=4 alternate=0",
                           "sm_90a tile=64x128x64 groups=1x1 stages=8 alternate=1",
                           "sm_90a tile=64x256x64 groups=1x1 stages=5 alternate=1",
                           "sm_90a tile=128x64x64 groups=1x1 stages=8 alternate=1",
                           "sm_90a tile=128x128x64 groups=1x1 stages=2 alternate=1",
                           "sm_90a tile=128x128x64 groups=2x1 stages=3 alternate=0 cluster=2",
                           "sm_90a tile=128x256x64 groups=2x1 stages=4 alternate=0 cluster=2",
                           "sm_90a tile=256x128x64 groups=2x1 stages=4 alternate=0 cluster=2",
                           "sm_90a tile=64x256x64 groups=1x1 stages=5 alternate=1 cluster=2",
                           "sm_90a tile=128x128x64 groups=1x1 stages=2 alternate=1 cluster=2"};
  // 600 rows: the last block of a cluster has none with some tiles, a part with others; 7000: blocks have several.
  for (const int64_t m : {1000, 600, 7000}) expect_gemm(matmul(m, 200, 600, "before"), options);
  expect_gemm(matmul(600, 200, 600), {.check = options.check, .misalign = 1});
}

TEST_P(CudaWgmma, ConvolutionsOfEveryGeometry) {
  const ConvCase cases[] = {
      {.batch = 2, .in = 16, .out = 24, .residual = "before", .activation = {ActivationKind::kRelu}},
      {.batch = 2, .in = 72, .out = 20, .strides = {2, 2}, .residual = "after"},
      {.height = 17, .width = 15, .in = 8, .out = 33, .dilations = {2, 3}, .bias = false},
      {.in = 24, .out = 40, .kernel = {1, 1}, .strides = {2, 2}, .pads = {0, 0, 0, 0}},
      {.batch = 3, .in = 64, .out = 64, .kernel = {1, 1}, .pads = {0, 0, 0, 0}, .bias = false},
      {.in = 16, .out = 8, .kernel = {7, 7}, .pads = {3, 3, 3, 3}},
      {.batch = 5, .height = 12, .width = 9, .in = 32, .out = 48, .kernel = {2, 4}, .pads = {1, 0, 0, 2}}};
  for (const ConvCase& c : cases) expect_conv(make_conv(c));
}

TEST_P(CudaWgmma, ConvolutionsWithRowsApart) {
  for (const int misalign : {0, 1}) {
    ProblemCase c = make_conv({.batch = 2, .in = 16, .out = 24, .residual = "before"});
    put_rows_apart(c, 16, 24);
    expect_conv(c, {.misalign = misalign});
    c.input_strides = {32, 0, 0, 48};
    c.output_strides = {64};
    expect_conv(c, {.misalign = misalign});
  }
}

TEST_P(CudaWgmma, ImagesOfFreeSize) {
  expect_conv(make_conv({.batch = 2, .in = 16, .out = 24}), {.free_inputs = {7}, .free_outputs = {7}});
}

TEST_P(CudaWgmma, LayersOfResNet) {
  for (const int64_t batch : {1, 8}) {
    expect_conv(
        make_conv(
            {.batch = batch, .height = 14, .width = 14, .in = 256, .out = 256, .activation = {ActivationKind::kRelu}}),
        kAnyBatch);
    expect_conv(make_conv({.batch = batch,
                           .height = 7,
                           .width = 7,
                           .in = 512,
                           .out = 2048,
                           .kernel = {1, 1},
                           .pads = {0, 0, 0, 0},
                           .residual = "before",
                           .activation = {ActivationKind::kRelu}}),
                kAnyBatch);
  }
}

}  // namespace
}  // namespace burnish
