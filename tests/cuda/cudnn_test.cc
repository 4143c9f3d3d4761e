// cuda.cudnn_conv against the reference; without a GPU its plans are made for one that is described.
#include <gtest/gtest.h>

#include "cuda/cuda_case.h"
#include "cuda/described_gpu.h"
#include "kernels/conv_case.h"
#include "kernels/cuda/config.h"
#include "kernels/cuda/cudnn_plan.h"
#include "kernels/cuda/device.h"
#include "kernels/encoded_case.h"
#include "ops/fused.h"

namespace burnish::testing {
namespace {

constexpr std::string_view kTactic = "cuda.cudnn_conv";
const CheckOptions kHalf{.tolerance = 2e-3, .steps = 2}, kBrain{.tolerance = 1.6e-2, .steps = 2};
const CheckOptions kFloat{.tolerance = 2e-5};

/// X, W, R and Y of one type.
ProblemCase conv(const ConvCase& c, DType type = DType::kFloat16, bool weight_scales = false) {
  return encode_case(make_conv(c), {{type}, {type}, {type}, {type}, weight_scales});
}

const ConvCase kSmall{.batch = 2, .in = 64, .out = 32};

void expect_dnn_matches(const ProblemCase& c, const CudaOptions& options) {
  if (cuda::num_devices() == 0 || !cuda::dnn::available()) GTEST_SKIP() << "no GPU, or no cuDNN";
  expect_gpu_matches(kTactic, c, options);
}

TEST(CudaDnn, EveryGeometry) {
  ConvCase c = kSmall;
  expect_dnn_matches(conv(c), {.check = kHalf, .free_inputs = {1}, .free_outputs = {1}});
  c.kernel = {1, 1};
  c.pads = {0, 0, 0, 0};
  expect_dnn_matches(conv(c), {.check = kHalf});
  c = kSmall;
  c.strides = {2, 2};
  c.dilations = {1, 2};
  c.pads = {1, 2, 1, 2};
  expect_dnn_matches(conv(c), {.check = kHalf});
  expect_dnn_matches(conv({.batch = 1, .in = 3, .out = 64, .kernel = {7, 7}, .strides = {2, 2}, .pads = {3, 3, 3, 3}}),
                     {.check = kHalf});
  expect_dnn_matches(conv({.batch = 3, .in = 21, .out = 13}), {.check = kHalf});
}

TEST(CudaDnn, Groups) {
  expect_dnn_matches(conv({.batch = 2, .in = 64, .out = 64, .group = 4}), {.check = kHalf});
}

TEST(CudaDnn, EveryType) {
  ConvCase c = kSmall;
  c.activation = {ActivationKind::kRelu};
  expect_dnn_matches(conv(c, DType::kBFloat16), {.check = kBrain});
  expect_dnn_matches(conv(c, DType::kFloat32), {.check = kFloat});
}

TEST(CudaDnn, EveryActivation) {
  for (const Activation& a : {Activation{ActivationKind::kRelu}, Activation{ActivationKind::kClip, -1.5F, 6.0F},
                              Activation{ActivationKind::kLeakyRelu, 0.1F}, Activation{ActivationKind::kSigmoid},
                              Activation{ActivationKind::kTanh}, Activation{ActivationKind::kSilu},
                              Activation{ActivationKind::kGelu}, Activation{ActivationKind::kGeluTanh}}) {
    ConvCase c = kSmall;
    c.activation = a;
    expect_dnn_matches(conv(c), {.check = kHalf});
  }
}

TEST(CudaDnn, AddsResidualsAndScales) {
  for (const auto* where : {"before", "after"}) {
    ConvCase c = kSmall;
    c.residual = where;
    c.activation = {ActivationKind::kRelu};
    expect_dnn_matches(conv(c), {.check = kHalf});
  }
  expect_dnn_matches(conv(kSmall, DType::kFloat16, true), {.check = kHalf});
  ConvCase bare = kSmall;
  bare.bias = false;
  expect_dnn_matches(conv(bare), {.check = kHalf});
}

ConvCase residual_block() {
  ConvCase c = kSmall;
  c.residual = "before";
  c.activation = {ActivationKind::kRelu};
  return c;
}

TEST(CudaDnn, TakesRowsApart) {
  const ConvCase c = residual_block();
  ProblemCase p = conv(c);
  p.input_strides = {c.in + 8, 0, 0, c.out + 16, 0};
  p.output_strides = {c.out + 24};
  expect_dnn_matches(p, {.check = kHalf});
}

// What is fastest for the opt shape may not do others.
TEST(CudaDnn, ConfigurationsServeOtherBatches) {
  if (cuda::num_devices() == 0 || !cuda::dnn::available()) GTEST_SKIP() << "no GPU, or no cuDNN";
  const auto layer = [](int64_t batch) {
    ProblemCase c =
        conv({.batch = batch, .height = 40, .width = 40, .in = 128, .out = 256, .strides = {2, 2}}, DType::kFloat32);
    c.attrs.set(std::string(kAllowTf32), int64_t{1});
    return c;
  };
  const ProblemCase one = layer(1);
  CudaOptions options{.check = {.tolerance = 4e-3}, .free_inputs = {1}, .free_outputs = {1}};
  options.check.configs = find_tactic(kTactic)->candidates(make_problem(one, reference_of(one)), detect_cuda(0, 1));
  for (const int64_t batch : {3, 8}) expect_dnn_matches(layer(batch), options);
}

TEST(CudaDnn, TakesAnyAddress) {
  expect_dnn_matches(conv(residual_block()), {.check = kHalf, .misalign = 1});
}

cuda::DnnConv read(const ProblemCase& c) {
  cuda::DnnConv form;
  EXPECT_TRUE(cuda::read_dnn_conv(make_problem(c, reference_of(c)), form));
  return form;
}

bool is_taken(const ProblemCase& c) {
  cuda::DnnConv form;
  return cuda::read_dnn_conv(make_problem(c, reference_of(c)), form);
}

TEST(CudaDnn, LeavesToOthersWhatTheLibraryCannot) {
  EXPECT_TRUE(is_taken(conv(kSmall)));
  ConvCase c = kSmall;
  c.activation = {ActivationKind::kHardSwish};
  EXPECT_FALSE(is_taken(conv(c)));
  c = kSmall;
  c.nhwc_input = false;
  EXPECT_FALSE(is_taken(conv(c)));
  ProblemCase p = conv(kSmall);
  p.constant[kFusedBias] = false;
  EXPECT_FALSE(is_taken(p));
  EXPECT_FALSE(is_taken(encode_case(make_conv(kSmall), {})));
}

TEST(CudaDnn, PacksWeightsByPixel) {
  const ProblemCase c = conv({.in = 3, .out = 2}, DType::kFloat32);
  const Problem problem = make_problem(c, reference_of(c));
  const auto blobs = cuda::pack_dnn_conv(problem, read(c));
  ASSERT_EQ(blobs.size(), 2U);
  const auto* packed = reinterpret_cast<const float*>(blobs[0].data());
  const auto* weights = c.inputs[kFusedWeights].as<float>();
  for (int64_t o = 0; o < 2; ++o) {
    for (int64_t tap = 0; tap < 9; ++tap) {
      for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(packed[(o * 9 + tap) * 3 + i], weights[(o * 3 + i) * 9 + tap]);
    }
  }
}

TEST(CudaDnn, EnginesAreWrittenAndRead) {
  for (const auto* text : {"41", "41/2:5/13:1", "29/12:-1/17:32"}) {
    EXPECT_EQ(cuda::to_string(cuda::parse_dnn_engine(text, "")), text);
  }
  for (const auto* text : {"", "x", "41/", "41/2", "41/2:", "41/2:5/", "41:2", "41/2:5:6", "99999999999999999999"}) {
    EXPECT_THROW(cuda::parse_dnn_engine(text, ""), Error) << text;
  }
}

/// Configurations for the GPU that is described, every one planned again from its text. Engines that are compiled need
/// a driver.
size_t plan_all(const cuda::DnnConv& form) {
  const cuda::dnn::Site site{std::string(kDescribedGpu)};
  size_t num_planned = 0;
  for (const std::string& config : cuda::dnn_conv_candidates(form, "sm_90a", site)) {
    const cuda::DnnEngine engine = cuda::parse_dnn_engine(cuda::text_of(config, "engine"), config);
    try {
      const cuda::DnnPlan plan(cuda::DnnConvGraph(form, cuda::kDnnAligned, site), engine, site);
      ++num_planned;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kUnsupported) << config << ": " << e.what();
    }
  }
  return num_planned;
}

TEST(CudaDnn, PlansForAGpuThatIsNotHere) {
  if (!describes_gpus()) GTEST_SKIP() << "no cuDNN, or older than 9.8";
  EXPECT_GE(plan_all(read(conv(kSmall))), 2U);
  const ConvCase c = residual_block();
  EXPECT_GE(plan_all(read(conv(c))), 2U);
  EXPECT_GE(plan_all(read(conv(c, DType::kBFloat16))), 2U);
  EXPECT_GE(plan_all(read(conv(c, DType::kFloat32))), 1U);
}

TEST(CudaDnn, RefusesWhatNoEngineDoes) {
  if (!describes_gpus()) GTEST_SKIP() << "no cuDNN, or older than 9.8";
  const cuda::dnn::Site site{std::string(kDescribedGpu)};
  try {
    const cuda::DnnPlan plan(cuda::DnnConvGraph(read(conv(kSmall)), cuda::kDnnAligned, site), {.index = 9999}, site);
    FAIL() << "planned";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported) << e.what();
  }
}

TEST(CudaDnn, SharesPlansOfEqualConvolutions) {
  if (!describes_gpus()) GTEST_SKIP() << "no cuDNN, or older than 9.8";
  cuda::dnn::Site site{std::string(kDescribedGpu)};
  const cuda::DnnConv form = read(conv(kSmall));
  const std::string config = cuda::dnn_conv_candidates(form, "sm_90a", site).front();
  const cuda::DnnEngine engine = cuda::parse_dnn_engine(cuda::text_of(config, "engine"), config);
  const auto plan = cuda::shared_dnn_plan(form, engine, cuda::kDnnAligned, site);
  EXPECT_EQ(cuda::shared_dnn_plan(form, engine, cuda::kDnnAligned, site), plan);
  ConvCase c = kSmall;
  c.batch = 3;
  EXPECT_NE(cuda::shared_dnn_plan(read(conv(c)), engine, cuda::kDnnAligned, site), plan);
}

TEST(CudaDnn, EnginesOfAnotherVersionAreRefused) {
  if (!cuda::dnn::available()) GTEST_SKIP() << "no cuDNN";
  const ProblemCase c = conv(kSmall);
  try {
    find_tactic(kTactic)->prepare(make_problem(c, reference_of(c)), "sm_90a cudnn=9.0.0 engine=0", {},
                                  absent_gpu(90, 1));
    FAIL() << "prepared";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kMismatch);
    EXPECT_NE(std::string(e.what()).find("cuDNN 9.0.0"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace burnish::testing
