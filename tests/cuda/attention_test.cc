#include <gtest/gtest.h>

#include <limits>

#include "cuda/attention_case.h"
#include "kernels/cuda/device.h"

namespace burnish::testing {
namespace {

constexpr std::string_view kTactic = "cuda.attention";

/// Weights are rounded to the operands' type before they meet the values.
const CheckOptions kHalf{.tolerance = 2e-3, .steps = 1}, kBrain{.tolerance = 1.6e-2, .steps = 1};
const CheckOptions kFloat{.tolerance = 5e-6};

using Sizes = AttentionSizes;

class CudaAttention : public ::testing::TestWithParam<Sizes> {};

TEST_P(CudaAttention, MultipliesHalves) {
  expect_gpu_matches(kTactic, attention(GetParam(), DType::kFloat16), {.check = kHalf});
}

INSTANTIATE_TEST_SUITE_P(Sizes, CudaAttention,
                         ::testing::Values(Sizes{2, 128, 128, 3, 64, 64}, Sizes{1, 7, 7, 2, 32, 32},
                                           Sizes{2, 65, 33, 3, 24, 40}, Sizes{1, 1, 50, 2, 16, 96},
                                           Sizes{3, 20, 1, 1, 1, 1}, Sizes{1, 100, 131, 2, 31, 17},
                                           Sizes{1, 48, 384, 1, 128, 128}, Sizes{2, 100, 300, 2, 96, 72}));

TEST(CudaAttention, RunsBert) {
  expect_gpu_matches(kTactic, packed_attention(1, 128, 12, 64, DType::kFloat16),
                     {.check = kHalf, .free_inputs = {1}, .free_outputs = {1}});
}

// Large only where it runs: the reference takes its time.
TEST(CudaAttention, RunsBertInBatches) {
  const int64_t batch = cuda::num_devices() > 0 ? 128 : 2;
  ProblemCase c = packed_attention(batch, 128, 12, 64, DType::kFloat16);
  expect_gpu_matches(kTactic, c, {.check = kHalf, .free_inputs = {1}, .free_outputs = {1}});
  c.inputs.resize(3);
  c.inputs.push_back(random_floats({batch, 1, 1, 128}, 2));
  expect_gpu_matches(kTactic, c, {.check = kHalf, .free_inputs = {1}, .free_outputs = {1}});
}

TEST(CudaAttention, TakesSequencesOfAnyLength) {
  expect_gpu_matches(kTactic, packed_attention(3, 93, 4, 64, DType::kBFloat16),
                     {.check = kBrain, .free_inputs = {3}, .free_outputs = {3}});
}

TEST(CudaAttention, AddsMasks) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const Shape& shape : {Shape{41}, Shape{2, 3, 37, 41}, Shape{1, 3, 1, 1}, Shape{2, 1, 37, 1}}) {
    SCOPED_TRACE(to_string(shape));
    Tensor mask = random_floats(shape, 4);
    if (shape.back() > 1) {
      for (int64_t i = 0; i < mask.num_elements(); i += 3) mask.as<float>()[i] = i % 2 == 0 ? -inf : -3.4e38F;
    }
    expect_gpu_matches(kTactic, attention({2, 37, 41, 3, 16, 16}, DType::kFloat16, mask), {.check = kHalf});
  }
}

TEST(CudaAttention, AppliesMasks) {
  for (const Shape& shape : {Shape{41}, Shape{2, 1, 1, 41}, Shape{2, 1, 37, 41}}) {
    SCOPED_TRACE(to_string(shape));
    const Tensor mask = random_tensor(DType::kBool, shape, 5);
    expect_gpu_matches(kTactic, attention({2, 37, 41, 3, 16, 16}, DType::kBFloat16, mask), {.check = kBrain});
  }
}

TEST(CudaAttention, AQueryWithoutKeysGivesNanOrZeros) {
  for (const DType type : {DType::kFloat16, DType::kFloat32}) {
    Tensor mask = random_tensor(DType::kBool, {19, 72}, 1);
    for (int64_t t = 0; t < 72; ++t) mask.as<uint8_t>()[5 * 72 + t] = 0;
    ProblemCase c = attention({1, 19, 72, 2, 8, 8}, type, mask);
    expect_gpu_matches(kTactic, c, {.check = type == DType::kFloat16 ? kHalf : kFloat});
    c.attrs.set("masked_rows_zero", int64_t{1});
    expect_gpu_matches(kTactic, c, {.check = type == DType::kFloat16 ? kHalf : kFloat});
  }
}

TEST(CudaAttention, TakesRowsApartAndAnyAddress) {
  ProblemCase c = attention({2, 33, 17, 2, 16, 8}, DType::kFloat16);
  c.input_strides = {48, 40, 24};
  c.output_strides = {32};
  expect_gpu_matches(kTactic, c, {.check = kHalf});
  c.input_strides = {49, 35, 21};
  c.output_strides = {19};
  expect_gpu_matches(kTactic, c, {.check = kHalf});
  expect_gpu_matches(kTactic, attention({2, 33, 70, 2, 64, 64}, DType::kFloat16), {.check = kHalf, .misalign = 1});
}

TEST(CudaAttention, ScalesByAnyFactor) {
  for (const float scale : {-0.5F, 0.0F}) {
    ProblemCase c = attention({1, 33, 70, 2, 16, 16}, DType::kFloat16);
    c.attrs.set("scale", scale);
    expect_gpu_matches(kTactic, c, {.check = kHalf});
  }
}

TEST(CudaAttention, WritesAnotherType) {
  ProblemCase c = attention({1, 33, 70, 2, 16, 24}, DType::kFloat16);
  set_output_encoding(c.attrs, {DType::kFloat32});
  expect_gpu_matches(kTactic, c, {.check = kHalf});
}

TEST(CudaAttention, MultipliesFloatsExactly) {
  for (const Sizes& s : {Sizes{2, 65, 33, 3, 24, 40}, Sizes{1, 7, 100, 2, 64, 64}, Sizes{1, 20, 1, 1, 1, 257}}) {
    expect_gpu_matches(kTactic, attention(s, DType::kFloat32), {.check = kFloat});
  }
}

TEST(CudaAttention, MultipliesWideHeads) {
  expect_gpu_matches(kTactic, attention({1, 20, 30, 2, 160, 192}, DType::kFloat16), {.check = kHalf});
}

}  // namespace
}  // namespace burnish::testing
