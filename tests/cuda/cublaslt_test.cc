#include <gtest/gtest.h>

#include "cuda/cuda_case.h"
#include "kernels/cuda/cublaslt_product.h"
#include "kernels/cuda/device.h"
#include "ops/fused.h"

namespace burnish::testing {
namespace {

constexpr std::string_view kTactic = "cuda.cublaslt";
const CheckOptions kHalf{.tolerance = 2e-3, .steps = 2}, kBrain{.tolerance = 1.6e-2, .steps = 2};
const CheckOptions kFloat{.tolerance = 2e-6};

struct Sizes {
  int64_t m, k, n;
};

/// W constant, no other inputs.
ProblemCase product(const Sizes& s, DType type, Shape batch = {}) {
  const Encoding encoding{type};
  std::vector<int64_t> a(batch.dims().begin(), batch.dims().end());
  a.insert(a.end(), {s.m, s.k});
  ProblemCase c{
      .op = "FusedMatMul",
      .inputs = {encoded(random_floats(Shape(a), 1), encoding), encoded(random_floats({s.k, s.n}, 2), encoding)},
      .constant = {false, true}};
  c.attrs.set("alpha", 0.125F);
  set_output_encoding(c.attrs, encoding);
  return c;
}

ProblemCase with_bias(ProblemCase c) {
  c.inputs.resize(3);
  c.constant.resize(3);
  c.inputs[2] = random_floats({c.inputs[1].shape().back()}, 3);
  c.constant[2] = true;
  return c;
}

ProblemCase with_residual(ProblemCase c, std::string_view where) {
  c.inputs.resize(4);
  c.constant.resize(4);
  c.inputs[3] = encoded(random_floats(reference_of(c)[0].shape(), 4), output_encoding(c.attrs));
  c.attrs.set("residual", std::string(where));
  return c;
}

ProblemCase with_activation(ProblemCase c, ActivationKind kind) {
  set_activation(c.attrs, {kind});
  return c;
}

ProblemCase pixels(DType type) {
  const Encoding encoding{type};
  ProblemCase c{.op = "FusedConv",
                .inputs = {encoded(random_floats({2, 5, 7, 64}, 1), encoding),
                           encoded(random_floats({32, 64, 1, 1}, 2, -0.2F, 0.2F), encoding), random_floats({32}, 3)},
                .constant = {false, true, true}};
  c.attrs.set("kernel_shape", std::vector<int64_t>{1, 1});
  c.attrs.set("strides", std::vector<int64_t>{1, 1});
  c.attrs.set("dilations", std::vector<int64_t>{1, 1});
  c.attrs.set("pads", std::vector<int64_t>{0, 0, 0, 0});
  c.attrs.set("input_layout", std::string("NHWC"));
  c.attrs.set("output_layout", std::string("NHWC"));
  set_output_encoding(c.attrs, encoding);
  return c;
}

void expect_lt_matches(const ProblemCase& c, const CudaOptions& options) {
  if (cuda::num_devices() == 0 || !cuda::lt::available()) GTEST_SKIP() << "no GPU, or no cuBLASLt";
  expect_gpu_matches(kTactic, c, options);
}

TEST(CudaLt, MultipliesAnySize) {
  for (const Sizes& s : {Sizes{128, 768, 3072}, Sizes{33, 72, 40}, Sizes{5, 17, 9}, Sizes{1, 64, 1000}}) {
    expect_lt_matches(with_bias(product(s, DType::kFloat16)),
                      {.check = kHalf, .free_inputs = {1}, .free_outputs = {1}});
  }
}

// What is fastest for the opt shape may multiply one row only.
TEST(CudaLt, ConfigurationsServeOtherNumbersOfRows) {
  if (cuda::num_devices() == 0 || !cuda::lt::available()) GTEST_SKIP() << "no GPU, or no cuBLASLt";
  for (const DType type : {DType::kFloat32, DType::kFloat16}) {
    const ProblemCase one = with_bias(product({1, 2048, 1000}, type));
    CudaOptions options{.check = type == DType::kFloat32 ? kFloat : kHalf, .free_inputs = {1}, .free_outputs = {1}};
    options.check.configs = find_tactic(kTactic)->candidates(make_problem(one, reference_of(one)), detect_cuda(0, 1));
    for (const int64_t rows : {2, 3, 200}) expect_lt_matches(with_bias(product({rows, 2048, 1000}, type)), options);
  }
}

TEST(CudaLt, AddsAndActivates) {
  const ProblemCase plain = product({64, 96, 80}, DType::kFloat16);
  expect_lt_matches(with_activation(plain, ActivationKind::kRelu), {.check = kHalf});
  expect_lt_matches(with_activation(with_bias(plain), ActivationKind::kRelu), {.check = kHalf});
  expect_lt_matches(with_activation(with_bias(plain), ActivationKind::kGeluTanh), {.check = kHalf});
  expect_lt_matches(with_residual(with_bias(plain), "after"), {.check = kHalf});
  expect_lt_matches(with_residual(with_activation(with_bias(plain), ActivationKind::kRelu), "before"),
                    {.check = kHalf});
}

TEST(CudaLt, MultipliesOtherTypes) {
  expect_lt_matches(with_bias(product({40, 64, 48}, DType::kBFloat16)), {.check = kBrain});
  expect_lt_matches(with_bias(product({40, 64, 48}, DType::kFloat32)), {.check = kFloat});
  ProblemCase c = with_bias(product({40, 64, 48}, DType::kFloat16));
  set_output_encoding(c.attrs, {DType::kFloat32});
  expect_lt_matches(c, {.check = kHalf});
}

TEST(CudaLt, MultipliesBatches) {
  expect_lt_matches(product({16, 64, 48}, DType::kFloat16, {2, 3}), {.check = kHalf});
  ProblemCase c = product({16, 64, 48}, DType::kFloat16, {2, 3});
  c.inputs[1] = encoded(random_floats({2, 3, 48, 64}, 5), {DType::kFloat16});
  c.constant = {};
  c.attrs.set("transB", int64_t{1});
  expect_lt_matches(c, {.check = kHalf});
}

TEST(CudaLt, TakesRowsApartAndAnyAddress) {
  ProblemCase c = with_residual(with_bias(product({33, 64, 48}, DType::kFloat16)), "before");
  c.input_strides = {72, 0, 0, 56};
  c.output_strides = {64};
  expect_lt_matches(c, {.check = kHalf});
  expect_lt_matches(with_bias(product({33, 64, 48}, DType::kFloat16)), {.check = kHalf, .misalign = 1});
}

TEST(CudaLt, RunsConvolutionsOfPixels) {
  expect_lt_matches(pixels(DType::kFloat16), {.check = kHalf});
  expect_lt_matches(with_activation(with_residual(pixels(DType::kFloat16), "before"), ActivationKind::kRelu),
                    {.check = kHalf});
}

cuda::LtProduct read(const ProblemCase& c) {
  cuda::LtProduct product;
  EXPECT_TRUE(cuda::read_lt_product(make_problem(c, reference_of(c)), product));
  return product;
}

bool is_taken(const ProblemCase& c) {
  cuda::LtProduct product;
  return cuda::read_lt_product(make_problem(c, reference_of(c)), product);
}

TEST(CudaLt, ReadsConvolutionsAsProducts) {
  const cuda::LtProduct p = read(pixels(DType::kFloat16));
  EXPECT_EQ(p.m, 2 * 5 * 7);
  EXPECT_EQ(p.n, 32);
  EXPECT_EQ(p.k, 64);
  EXPECT_EQ(p.w_row, 64);
  EXPECT_TRUE(p.trans_w);
  EXPECT_EQ(p.epilogue, cuda::lt::kEpilogueBias);
}

TEST(CudaLt, LeavesToOthersWhatTheLibraryCannot) {
  const ProblemCase plain = with_bias(product({8, 16, 8}, DType::kFloat16));
  EXPECT_TRUE(is_taken(with_activation(plain, ActivationKind::kGeluTanh)));
  EXPECT_FALSE(is_taken(with_activation(plain, ActivationKind::kGelu)));
  EXPECT_FALSE(is_taken(with_activation(with_residual(plain, "after"), ActivationKind::kRelu)));
  ProblemCase c = plain;
  c.constant = {};
  EXPECT_FALSE(is_taken(c));
  c = pixels(DType::kFloat16);
  c.attrs.set("strides", std::vector<int64_t>{2, 2});
  EXPECT_FALSE(is_taken(c));
}

// The library checks names and sizes of attributes without a GPU.
TEST(CudaLt, DescribesProducts) {
  if (!cuda::lt::available()) GTEST_SKIP() << "no cuBLASLt";
  for (const ProblemCase& c :
       {with_bias(product({33, 72, 40}, DType::kFloat16, {3})), product({40, 64, 48}, DType::kFloat32),
        with_activation(with_bias(product({40, 64, 48}, DType::kBFloat16)), ActivationKind::kGeluTanh)}) {
    EXPECT_NO_THROW(cuda::LtDescriptors(read(c), nullptr));
  }
  EXPECT_THROW(cuda::lt::Descriptor::preference().set(999, int64_t{1}), Error);
}

TEST(CudaLt, EnginesOfAnotherVersionAreRefused) {
  if (!cuda::lt::available()) GTEST_SKIP() << "no cuBLASLt";
  const ProblemCase c = product({8, 16, 8}, DType::kFloat16);
  try {
    find_tactic(kTactic)->prepare(make_problem(c, reference_of(c)), "sm_90a cublaslt=1.0.0", {}, absent_gpu(90, 1));
    FAIL() << "prepared";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kMismatch);
    EXPECT_NE(std::string(e.what()).find("cuBLASLt 1.0.0"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace burnish::testing
