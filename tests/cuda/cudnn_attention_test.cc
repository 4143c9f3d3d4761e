// cuda.cudnn_attention against the reference; without a GPU its graphs are made for one that is described.
#include <gtest/gtest.h>

#include "cuda/attention_case.h"
#include "cuda/described_gpu.h"
#include "kernels/cuda/cudnn_attention_graph.h"
#include "kernels/cuda/device.h"
#include "ops/fused.h"

namespace burnish::testing {
namespace {

constexpr std::string_view kTactic = "cuda.cudnn_attention";
/// Weights are rounded to the operands' type before they meet the values.
const CheckOptions kHalf{.tolerance = 2e-3, .steps = 2}, kBrain{.tolerance = 1.6e-2, .steps = 2};

using Sizes = AttentionSizes;

void expect_dnn_matches(const ProblemCase& c, const CheckOptions& check) {
  if (cuda::num_devices() == 0 || !cuda::dnn::available()) GTEST_SKIP() << "no GPU, or no cuDNN";
  expect_gpu_matches(kTactic, c, {.check = check});
}

TEST(CudaDnnAttention, EverySize) {
  for (const Sizes& s : {Sizes{2, 128, 128, 3, 64, 64}, Sizes{1, 7, 7, 2, 32, 32}, Sizes{2, 65, 33, 3, 24, 40},
                         Sizes{1, 1, 50, 2, 16, 96}, Sizes{1, 48, 384, 1, 128, 128}}) {
    SCOPED_TRACE(fmt::format("{} queries, {} keys of {} and {}", s.queries, s.keys, s.q_size, s.v_size));
    expect_dnn_matches(attention(s, DType::kFloat16), kHalf);
  }
  expect_dnn_matches(attention({2, 100, 130, 2, 64, 64}, DType::kBFloat16), kBrain);
}

TEST(CudaDnnAttention, RunsBert) {
  expect_dnn_matches(packed_attention(1, 128, 12, 64, DType::kFloat16), kHalf);
  expect_dnn_matches(packed_attention(cuda::num_devices() > 0 ? 128 : 2, 128, 12, 64, DType::kFloat16), kHalf);
}

bool is_taken(const ProblemCase& c, uint32_t free_dims = 0) {
  Problem problem = make_problem(c, reference_of(c));
  problem.inputs[0].free_dims = free_dims;
  cuda::DnnAttention a;
  return cuda::read_dnn_attention(problem, a);
}

TEST(CudaDnnAttention, LeavesToOthersWhatTheLibraryCannot) {
  const Sizes sizes{1, 9, 11, 2, 16, 16};
  EXPECT_TRUE(is_taken(attention(sizes, DType::kFloat16)));
  EXPECT_FALSE(is_taken(attention(sizes, DType::kFloat16), 1)) << "every batch would compile a plan";
  EXPECT_FALSE(is_taken(attention(sizes, DType::kFloat32)));
  EXPECT_FALSE(is_taken(attention({1, 9, 11, 2, 12, 16}, DType::kFloat16)));
  EXPECT_FALSE(is_taken(attention({1, 9, 11, 1, 136, 16}, DType::kFloat16)));
  EXPECT_FALSE(is_taken(attention(sizes, DType::kFloat16, random_floats({11}, 1)))) << "rows may be masked as a whole";
  ProblemCase c = attention(sizes, DType::kFloat16);
  c.attrs.set("scale", -1.0F);
  EXPECT_FALSE(is_taken(c));
}

TEST(CudaDnnAttention, TheLibraryAcceptsTheGraphs) {
  if (!describes_gpus()) GTEST_SKIP() << "no cuDNN, or older than 9.8";
  // Engines that are compiled are offered where a driver is.
  const cuda::dnn::Site site{std::string(kDescribedGpu)};
  for (const ProblemCase& c :
       {attention({2, 65, 33, 3, 24, 40}, DType::kFloat16), packed_attention(2, 16, 12, 64, DType::kFloat16),
        attention({2, 9, 16, 3, 64, 64}, DType::kBFloat16)}) {
    cuda::DnnAttention a;
    ASSERT_TRUE(cuda::read_dnn_attention(make_problem(c, reference_of(c)), a));
    EXPECT_NO_THROW(cuda::DnnAttentionGraph(a, site));
    const auto configs = cuda::dnn_attention_candidates(a, "sm_90a", site);
    EXPECT_TRUE(configs.size() == 1 || configs.size() == 2);
    for (const std::string& config : configs) fmt::print("{}\n", config);
  }
}

TEST(CudaDnnAttention, KeysTellGraphsApart) {
  const auto key = [](const ProblemCase& c) {
    cuda::DnnAttention a;
    EXPECT_TRUE(cuda::read_dnn_attention(make_problem(c, reference_of(c)), a));
    return cuda::key_of(a);
  };
  const Sizes sizes{1, 9, 11, 2, 16, 16};
  EXPECT_EQ(key(attention(sizes, DType::kFloat16)), key(attention(sizes, DType::kFloat16)));
  EXPECT_NE(key(attention(sizes, DType::kFloat16)), key(attention({1, 9, 12, 2, 16, 16}, DType::kFloat16)));
  EXPECT_NE(key(attention(sizes, DType::kFloat16)), key(attention(sizes, DType::kBFloat16)));
}

}  // namespace
}  // namespace burnish::testing
