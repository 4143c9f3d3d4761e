#include <gtest/gtest.h>

#include <limits>

#include "cuda/cuda_case.h"
#include "kernels/cuda/device.h"

namespace burnish::testing {
namespace {

constexpr std::string_view kNorm = "cuda.normalization", kSoftmax = "cuda.softmax";

ProblemCase with_axis(const char* op, std::vector<Tensor> inputs, int64_t axis) {
  ProblemCase c{.op = op, .inputs = std::move(inputs)};
  c.attrs.set("axis", axis);
  return c;
}
Tensor halves(const Shape& shape, uint64_t seed) {
  return random_tensor(DType::kFloat16, shape, seed);
}

TEST(CudaNormalization, MatchesTheReferenceForAnyLength) {
  for (const int64_t n : {1, 7, 33, 384, 768, 1000}) {
    SCOPED_TRACE(n);
    const Tensor scale = random_floats({n}, 2), bias = random_floats({n}, 3), x = random_floats({2, 19, n}, 1, -3, 9);
    expect_gpu_matches(kNorm, with_axis("LayerNormalization", {x, scale, bias}, -1));
    if (n != 384) continue;
    expect_gpu_matches(kNorm, with_axis("LayerNormalization", {x, scale}, -1), {.misalign = 1});
    expect_gpu_matches(kNorm, with_axis("RMSNormalization", {x, scale}, -1), {.free_inputs = {1}, .free_outputs = {1}});
    expect_gpu_matches(kNorm, with_axis("LayerNormalization", {x, scale}, -1),
                       {.free_inputs = {4}, .free_outputs = {4}});
  }
  expect_gpu_matches(kNorm,
                     with_axis("LayerNormalization",
                               {random_floats({3, 5, 7}, 1), random_floats({5, 7}, 2), random_floats({5, 7}, 3)}, 1));
}

TEST(CudaNormalization, TakesRowsTooLongForRegisters) {
  const Tensor x = random_floats({2, 40000}, 1), scale = random_floats({40000}, 2), bias = random_floats({40000}, 3);
  expect_gpu_matches(kNorm, with_axis("LayerNormalization", {x, scale, bias}, -1));
  expect_gpu_matches(kNorm, with_axis("RMSNormalization", {x, scale}, -1));
}

TEST(CudaNormalization, KeepsItsDigitsFarFromZero) {
  const Tensor x = random_floats({4, 768}, 1, 1000, 1001);
  expect_gpu_matches(kNorm, with_axis("LayerNormalization", {x, random_floats({768}, 2)}, -1),
                     {.check = {.tolerance = 1e-3}});
}

TEST(CudaNormalization, TakesNarrowStorageAndRowsApart) {
  for (const DType t : {DType::kFloat16, DType::kBFloat16}) {
    const Tensor x = random_tensor(t, {37, 136}, 1), scale = random_tensor(t, {136}, 2);
    ProblemCase c = with_axis("LayerNormalization", {x, scale, random_tensor(t, {136}, 3)}, -1);
    expect_gpu_matches(kNorm, c, {.check = {.steps = 1}});
    c.input_strides = {144};
    c.output_strides = {152};
    expect_gpu_matches(kNorm, c, {.check = {.steps = 1}});
    c.input_strides = {139};
    expect_gpu_matches(kNorm, c, {.check = {.steps = 1}});
    expect_gpu_matches(kNorm,
                       with_axis("LayerNormalization", {x, random_floats({136}, 2), random_floats({136}, 3)}, -1),
                       {.check = {.steps = 1}});
  }
}

TEST(CudaNormalization, NormalizesGroupsOfChannels) {
  ProblemCase c{.op = "InstanceNormalization",
                .inputs = {random_floats({2, 6, 9, 8}, 1), random_floats({6}, 2), random_floats({6}, 3)}};
  expect_gpu_matches(kNorm, c, {.free_inputs = {1}, .free_outputs = {1}});
  c.op = "GroupNormalization";
  c.attrs.set("num_groups", int64_t{3});
  expect_gpu_matches(kNorm, c);
  c.inputs[0] = random_floats({2, 6, 5, 3}, 1);
  expect_gpu_matches(kNorm, c);
}

TEST(CudaSoftmax, MatchesTheReferenceOverAnyAxis) {
  for (const int64_t n : {1, 7, 128, 1001}) {
    const Tensor x = random_floats({3, 11, n}, 1, -20, 20);
    for (const int64_t axis : {0, 1, -1}) {
      SCOPED_TRACE(fmt::format("{} along {}", n, axis));
      expect_gpu_matches(kSoftmax, with_axis("Softmax", {x}, axis));
    }
    expect_gpu_matches(kSoftmax, with_axis("LogSoftmax", {x}, -1));
    expect_gpu_matches(kSoftmax, with_axis("LogSoftmax", {x}, 1));
  }
  expect_gpu_matches(kSoftmax, with_axis("Softmax", {random_floats({2, 40000}, 1)}, -1));
  ProblemCase c = with_axis("Softmax", {halves({50, 24}, 1)}, 1);
  c.input_strides = {32};
  expect_gpu_matches(kSoftmax, c, {.check = {.steps = 1}});
  expect_gpu_matches(kSoftmax, c, {.check = {.steps = 1}, .misalign = 1});
}

TEST(CudaSoftmax, SurvivesLargeScores) {
  const float inf = std::numeric_limits<float>::infinity();
  const Tensor x = Tensor::from_floats(std::vector<float>{3e38F, -inf, 88, -3e38F, 3e38F});
  expect_gpu_matches(kSoftmax, with_axis("Softmax", {x}, 0));
}

TEST(CudaRows, LargeTensorsForTiming) {
  if (cuda::num_devices() == 0) GTEST_SKIP() << "no GPU";
  for (const int64_t rows : {128, 16384}) {
    expect_gpu_matches(
        kNorm, with_axis("LayerNormalization", {halves({rows, 768}, 1), halves({768}, 2), halves({768}, 3)}, -1),
        {.check = {.steps = 1}});
    expect_gpu_matches(kSoftmax, with_axis("Softmax", {halves({rows * 12, 128}, 1)}, -1), {.check = {.steps = 1}});
  }
}

}  // namespace
}  // namespace burnish::testing
