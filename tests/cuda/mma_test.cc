// cuda.mma_gemm and cuda.mma_conv against the reference, which computes in single precision.
#include <gtest/gtest.h>

#include "cuda/cuda_case.h"
#include "kernels/conv_case.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/mma_config.h"
#include "kernels/encoded_case.h"

namespace burnish {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the vocabulary of these tests

constexpr uint32_t kBatchFree = 1;

struct Type {
  DType dtype;
  bool tf32 = false;
  EncodedCase encodings() const { return {{dtype}, {dtype}, {dtype}, {dtype}, false}; }
  /// Sums are taken in another order; TF32 has ten bits behind the point.
  CheckOptions check() const { return {.tolerance = tf32 ? 2e-3 : 1e-5, .steps = 1}; }
};

class CudaMma : public ::testing::TestWithParam<Type> {
 protected:
  ProblemCase stored(ProblemCase c, const EncodedCase& e) {
    c = encode_case(std::move(c), e);
    if (GetParam().tf32) c.attrs.set(std::string(kAllowTf32), int64_t{1});
    return c;
  }
  CheckOptions check(const CudaOptions& options) const {
    CheckOptions check = GetParam().check();
    check.configs = options.check.configs;
    return check;
  }
  void expect_gemm(const ProblemCase& c, CudaOptions options = {}) {
    options.check = check(options);
    expect_gpu_matches("cuda.mma_gemm", stored(c, GetParam().encodings()), options);
  }
  void expect_conv(const ConvCase& c, CudaOptions options = {}) {
    options.check = check(options);
    expect_gpu_matches("cuda.mma_conv", stored(make_conv(c), GetParam().encodings()), options);
  }
};

INSTANTIATE_TEST_SUITE_P(Types, CudaMma,
                         ::testing::Values(Type{DType::kFloat16}, Type{DType::kBFloat16}, Type{DType::kFloat32},
                                           Type{DType::kFloat32, true}),
                         [](const auto& test) {
                           return std::string(test.param.tf32 ? "tf32" : name_of(test.param.dtype));
                         });

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

TEST_P(CudaMma, OddSizes) {
  expect_gemm(matmul(1, 7, 3));
  expect_gemm(matmul(33, 100, 77));
  expect_gemm(matmul(300, 1030, 130));
}

TEST_P(CudaMma, WholeTiles) {
  expect_gemm(matmul(128, 768, 768, "before"), {.free_inputs = {kBatchFree}, .free_outputs = {kBatchFree}});
}

TEST_P(CudaMma, RowsApartAndMisaligned) {
  ProblemCase c = matmul(70, 64, 40, "after");
  c.input_strides = {72, 0, 0, 41};
  c.output_strides = {48};
  expect_gemm(c);
  expect_gemm(c, {.misalign = 1});
}

TEST_P(CudaMma, RightSidesThatAreNotConstant) {
  ProblemCase c{.op = "FusedMatMul"};
  c.inputs = {random_floats({2, 3, 37, 64}, 1), random_floats({3, 64, 40}, 2)};
  c.attrs.set("alpha", -0.5F);
  expect_gemm(c, {.free_inputs = {1, 0}, .free_outputs = {1}});
  expect_gemm(c, {.misalign = 1});
  c.inputs[1] = random_floats({2, 1, 40, 64}, 2);
  c.attrs.set("transB", int64_t{1});
  expect_gemm(c);
}

TEST_P(CudaMma, SizesThatAreFree) {
  ProblemCase c{.op = "FusedMatMul"};
  c.inputs = {random_floats({4, 19, 24}, 1), random_floats({4, 24, 31}, 2)};
  expect_gemm(c, {.free_inputs = {7, 7}, .free_outputs = {7}});
}

/// Few steps and many, blocks with a part of a tile and blocks with many tiles, whatever candidates() would offer.
CudaOptions by_stream_k() {
  const Target target = cuda::num_devices() > 0 ? detect_cuda(0, 1) : absent_gpu(90, 1);
  CudaOptions options;
  for (const int per_sm : {1, 3}) {
    cuda::MmaConfig config{.bm = 32, .bn = 32, .bk = 16, .stages = 3, .stream = per_sm};
    options.check.configs.push_back(to_string(config, target.arch()));
  }
  return options;
}

TEST_P(CudaMma, BlocksShareTiles) {
  expect_gemm(matmul(33, 1030, 77), by_stream_k());
  expect_gemm(matmul(600, 68, 410, "before"), by_stream_k());
  expect_gemm(matmul(128, 256, 256), by_stream_k());
  expect_gemm(matmul(1, 7, 3), by_stream_k());
}

TEST_P(CudaMma, BlocksShareTilesOfAllMatrices) {
  ProblemCase c{.op = "FusedMatMul"};
  c.inputs = {random_floats({2, 3, 37, 64}, 1), random_floats({3, 64, 40}, 2)};
  CudaOptions options = by_stream_k();
  options.free_inputs = {1, 0};
  options.free_outputs = {1};
  expect_gemm(c, options);
  options.misalign = 1;
  expect_gemm(c, options);
}

TEST_P(CudaMma, BlocksShareTilesOfConvolutions) {
  expect_conv({.batch = 2, .in = 48, .out = 72, .residual = "after", .activation = {ActivationKind::kSilu}},
              by_stream_k());
  expect_conv({.in = 32, .out = 24, .group = 4}, by_stream_k());
}

TEST_P(CudaMma, EveryActivation) {
  for (int kind = 0; kind <= static_cast<int>(ActivationKind::kHardSigmoid); ++kind) {
    ProblemCase c = matmul(20, 32, 24, kind % 2 == 0 ? "before" : "after");
    set_activation(c.attrs, {static_cast<ActivationKind>(kind), 0.25F, 0.5F});
    expect_gemm(c);
  }
}

TEST_P(CudaMma, OtherTypesOfResidualAndResult) {
  for (const DType other : {DType::kFloat32, DType::kFloat16, DType::kBFloat16}) {
    EncodedCase e = GetParam().encodings();
    e.r = {other};
    e.y = {other};
    e.weight_scales = true;
    expect_gpu_matches("cuda.mma_gemm", stored(matmul(40, 64, 48, "before"), e), {.check = GetParam().check()});
  }
}

TEST_P(CudaMma, ConvolutionsOfEveryGeometry) {
  expect_conv({.batch = 2, .in = 16, .out = 24, .residual = "before", .activation = {ActivationKind::kRelu}});
  expect_conv({.in = 5, .out = 7});
  expect_conv({.batch = 2, .in = 12, .out = 20, .strides = {2, 2}, .residual = "after"});
  expect_conv({.height = 17, .width = 15, .in = 8, .out = 33, .dilations = {2, 3}, .bias = false});
  expect_conv({.in = 24, .out = 40, .kernel = {1, 1}, .strides = {2, 2}, .pads = {0, 0, 0, 0}});
  expect_conv({.batch = 3, .in = 64, .out = 64, .kernel = {1, 1}, .pads = {0, 0, 0, 0}, .bias = false});
  expect_conv({.in = 32, .out = 24, .group = 4});
  expect_conv({.in = 16, .out = 8, .kernel = {7, 7}, .pads = {3, 3, 3, 3}});
  expect_conv({.batch = 2,
               .height = 20,
               .width = 22,
               .in = 3,
               .out = 16,
               .kernel = {6, 6},
               .strides = {2, 2},
               .pads = {2, 2, 2, 2},
               .nhwc_input = false,
               .activation = {ActivationKind::kSilu}});
}

TEST_P(CudaMma, ConvolutionsWithRowsApart) {
  for (const int misalign : {0, 1}) {
    ProblemCase c = make_conv({.batch = 2, .in = 16, .out = 24, .residual = "before"});
    put_rows_apart(c, 16, 24);
    expect_gpu_matches("cuda.mma_conv", stored(c, GetParam().encodings()),
                       {.check = GetParam().check(), .misalign = misalign});
    c.input_strides = {32, 0, 0, 48};
    c.output_strides = {64};
    expect_gpu_matches("cuda.mma_conv", stored(c, GetParam().encodings()),
                       {.check = GetParam().check(), .misalign = misalign});
  }
}

TEST_P(CudaMma, ImagesOfFreeSize) {
  expect_conv({.batch = 2, .in = 16, .out = 24}, {.free_inputs = {7}, .free_outputs = {7}});
}

TEST_P(CudaMma, LayersOfResNet) {
  for (const int64_t batch : {1, 8}) {
    const CudaOptions free = {.free_inputs = {kBatchFree}, .free_outputs = {kBatchFree}};
    expect_conv(
        {.batch = batch, .height = 14, .width = 14, .in = 256, .out = 256, .activation = {ActivationKind::kRelu}},
        free);
    expect_conv({.batch = batch,
                 .height = 7,
                 .width = 7,
                 .in = 512,
                 .out = 2048,
                 .kernel = {1, 1},
                 .pads = {0, 0, 0, 0},
                 .residual = "before",
                 .activation = {ActivationKind::kRelu}},
                free);
  }
}

}  // namespace
}  // namespace burnish
