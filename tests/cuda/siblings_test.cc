// JoinedConv and JoinedMatMul on the tiled kernels: every result goes to its own tensor, wherever the tiles end.
#include <gtest/gtest.h>

#include <numeric>

#include "cuda/cuda_case.h"
#include "kernels/conv_case.h"
#include "ops/fused.h"

namespace burnish {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the vocabulary of these tests

constexpr uint32_t kBatchFree = 1;
using Parts = std::vector<int64_t>;

struct Kernels {
  std::string family;  ///< "mma", "wgmma"
  DType dtype;
  bool tf32 = false;
};

class CudaSiblings : public ::testing::TestWithParam<Kernels> {
 protected:
  /// X and W narrow, results of the type that is asked for.
  ProblemCase stored(ProblemCase c, const Parts& parts, DType y) const {
    const DType dtype = GetParam().dtype;
    c.inputs[0] = random_tensor(dtype, c.inputs[0].shape(), 11);
    c.inputs[1] = random_tensor(dtype, c.inputs[1].shape(), 12);
    c.attrs.set(std::string(kParts), parts);
    if (GetParam().tf32) c.attrs.set(std::string(kAllowTf32), int64_t{1});
    set_output_encoding(c.attrs, {y});
    c.num_outputs = static_cast<int>(parts.size());
    return c;
  }
  ProblemCase matmul(int64_t m, int64_t k, const Parts& parts) const {
    ProblemCase c{.op = std::string(kJoinedMatMul)};
    const int64_t n = std::accumulate(parts.begin(), parts.end(), int64_t{0});
    c.inputs = {random_floats({m, k}, 1), random_floats({n, k}, 2), random_floats({n}, 3)};
    c.constant = {false, true, true};
    c.attrs.set("transB", int64_t{1});
    return stored(std::move(c), parts, GetParam().dtype);
  }
  ProblemCase conv(ConvCase c, const Parts& parts) const {
    c.out = std::accumulate(parts.begin(), parts.end(), int64_t{0});
    ProblemCase p = make_conv(c);
    p.op = kJoinedConv;
    return stored(std::move(p), parts, GetParam().dtype);
  }
  /// `share`: how large results are beside the sums that they come from.
  void expect(const ProblemCase& c, CudaOptions options = {}, double share = 1) const {
    // Sums are taken in another order; TF32 has ten bits behind the point.
    options.check.tolerance = (GetParam().tf32 ? 2e-3 : 1e-5) / share;
    options.check.steps = 1;
    const bool is_conv = c.op == kJoinedConv;
    expect_gpu_matches(fmt::format("cuda.{}_{}", GetParam().family, is_conv ? "conv" : "gemm"), c, options);
  }
};

INSTANTIATE_TEST_SUITE_P(Kernels, CudaSiblings,
                         ::testing::Values(Kernels{"wgmma", DType::kFloat16}, Kernels{"wgmma", DType::kBFloat16},
                                           Kernels{"mma", DType::kFloat16}, Kernels{"mma", DType::kBFloat16},
                                           Kernels{"mma", DType::kFloat32}, Kernels{"mma", DType::kFloat32, true}),
                         [](const auto& test) {
                           return test.param.family + "_" +
                                  std::string(test.param.tf32 ? "tf32" : name_of(test.param.dtype));
                         });

/// Of one image 380 pixels, which no tile divides.
ConvCase pointwise(int64_t batch, int64_t in) {
  return {.batch = batch,
          .height = 20,
          .width = 19,
          .in = in,
          .kernel = {1, 1},
          .pads = {0, 0, 0, 0},
          .activation = {ActivationKind::kSilu}};
}

TEST_P(CudaSiblings, TheHeadOfABlock) {
  expect(conv(pointwise(1, 64), {64, 64}));
  expect(conv(pointwise(8, 128), {64, 64}), {.free_inputs = {kBatchFree}, .free_outputs = {kBatchFree, kBatchFree}});
}

TEST_P(CudaSiblings, PartsThatEndWithinTiles) {
  expect(conv(pointwise(2, 64), {24, 104}));
  expect(conv(pointwise(2, 64), {64, 96, 16, 200}));
  expect(matmul(300, 136, {40, 8, 216}));
}

TEST_P(CudaSiblings, PartsThatEndWithinChunks) {
  expect(conv(pointwise(2, 64), {13, 51}));  // together whole chunks
  expect(conv(pointwise(1, 8), {3, 5, 1, 2}));
  expect(matmul(33, 104, {7, 9, 16, 45}));
  expect(matmul(1, 8, {1, 2}));
}

TEST_P(CudaSiblings, MoreTilesThanMultiprocessors) {
  expect(matmul(5000, 136, {264, 520}), {.free_inputs = {kBatchFree}, .free_outputs = {kBatchFree, kBatchFree}});
}

/// Few tiles of much K: it is split, where the kernels can.
TEST_P(CudaSiblings, SplitSums) {
  expect(matmul(16, 2048, {32, 64}));
  expect(matmul(16, 2048, {12, 20}));
}

TEST_P(CudaSiblings, ResultsInWiderTensorsAndMisaligned) {
  ProblemCase c = conv(pointwise(2, 64), {24, 40, 64});
  for (const std::vector<int64_t>& strides : {std::vector<int64_t>{0, 128, 72}, {27, 0, 0}}) {
    c.output_strides = strides;
    expect(c);
    expect(c, {.misalign = 1});
  }
}

TEST_P(CudaSiblings, WindowsStridesAndNoBias) {
  expect(conv({.batch = 2, .in = 16, .activation = {ActivationKind::kRelu}, .bias = false}, {24, 8}));
  expect(conv({.batch = 2, .in = 24, .strides = {2, 2}}, {20, 12}));
}

TEST_P(CudaSiblings, ResultsOfOtherTypes) {
  for (const DType y : {DType::kFloat32, DType::kFloat16, DType::kBFloat16}) {
    ProblemCase c = matmul(140, 64, {48, 16, 7});
    expect(stored(c, {48, 16, 7}, y));
    expect(stored(c, {48, 16, 7}, y), {.misalign = 1});
    c = matmul(140, 64, {48, 16});
    expect(stored(c, {48, 16}, y));
  }
}

TEST_P(CudaSiblings, EveryActivation) {
  for (int kind = 0; kind <= static_cast<int>(ActivationKind::kHardSigmoid); ++kind) {
    ProblemCase c = matmul(20, 32, {24, kind % 2 == 0 ? 16 : 11});
    set_activation(c.attrs, {static_cast<ActivationKind>(kind), 0.25F, 0.5F});
    expect(c, {}, 0.25);
  }
}

}  // namespace
}  // namespace burnish
