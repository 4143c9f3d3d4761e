// cpu.f32_gemm against the reference: every operator it takes, odd sizes, activations, residuals, rows apart.
#include <gtest/gtest.h>

#include "kernels/problem_set.h"
#include "ops/activation.h"

namespace burnish {
namespace {

using testing::CheckOptions;
using testing::expect_matches_reference;
using testing::ProblemCase;
using testing::random_floats;

constexpr std::string_view kTactic = "cpu.f32_gemm";
const CheckOptions kOptions{.threads = {1, 3}, .tolerance = 1e-5};

ProblemCase fused(int64_t m, int64_t k, int64_t n, bool trans_b = false) {
  ProblemCase c{.op = "FusedMatMul"};
  c.inputs = {random_floats({m, k}, 1), random_floats(trans_b ? Shape{n, k} : Shape{k, n}, 2), random_floats({n}, 3)};
  c.constant = {false, true, true};
  if (trans_b) c.attrs.set("transB", int64_t{1});
  return c;
}

TEST(F32Gemm, AnySize) {
  for (const int64_t m : {1, 2, 5, 13, 33}) {
    for (const int64_t n : {1, 3, 15, 16, 17, 33, 64, 100, 145}) {
      for (const int64_t k : {1, 3, 17, 40}) expect_matches_reference(kTactic, fused(m, k, n), kOptions);
    }
  }
}

TEST(F32Gemm, ManyRowsAreBlocked) {
  ProblemCase c = fused(700, 1030, 130);
  expect_matches_reference(kTactic, c, {.threads = {2}, .tolerance = 1e-5});
}

TEST(F32Gemm, TransposedWeights) {
  expect_matches_reference(kTactic, fused(7, 19, 37, true), kOptions);
}

TEST(F32Gemm, EveryActivationWithEveryResidual) {
  for (const std::string residual : {"", "before", "after"}) {
    for (int kind = 0; kind <= static_cast<int>(ActivationKind::kHardSigmoid); ++kind) {
      ProblemCase c = fused(9, 21, 37);
      set_activation(c.attrs, {static_cast<ActivationKind>(kind), 0.25F, 0.75F});
      if (!residual.empty()) {
        c.attrs.set("residual", residual);
        c.inputs.push_back(random_floats({9, 37}, 4));
        c.constant.push_back(false);
      }
      SCOPED_TRACE(residual + " " + std::string(name_of(static_cast<ActivationKind>(kind))));
      expect_matches_reference(kTactic, c, kOptions);
    }
  }
}

TEST(F32Gemm, RowsApart) {
  ProblemCase c = fused(11, 21, 37);
  c.attrs.set("residual", std::string("before"));
  c.inputs.push_back(random_floats({11, 37}, 4));
  c.constant.push_back(false);
  c.input_strides = {24, 0, 0, 40};
  c.output_strides = {50};
  expect_matches_reference(kTactic, c, kOptions);
}

TEST(F32Gemm, BatchesShareTheirWeights) {
  ProblemCase c = fused(1, 9, 20);
  c.inputs[0] = random_floats({2, 3, 5, 9}, 1);
  c.attrs.set("alpha", 0.5F);
  expect_matches_reference(kTactic, c, kOptions);
  c.inputs[2] = Tensor{};
  expect_matches_reference(kTactic, c, kOptions);
}

TEST(F32Gemm, RightSidesThatAreNotConstant) {
  ProblemCase c{.op = "MatMul"};
  c.inputs = {random_floats({2, 3, 5, 9}, 1), random_floats({3, 9, 21}, 2)};
  expect_matches_reference(kTactic, c, kOptions);
  c.inputs = {random_floats({1, 3, 5, 9}, 1), random_floats({2, 1, 9, 21}, 2)};
  expect_matches_reference(kTactic, c, kOptions);
  c.inputs = {random_floats({5, 9}, 1), random_floats({9, 21}, 2)};
  expect_matches_reference(kTactic, c, kOptions);
  c = fused(5, 9, 21, true);
  c.constant = {};
  c.attrs.set("alpha", -2.0F);
  expect_matches_reference(kTactic, c, kOptions);
}

TEST(F32Gemm, GemmWithItsAddend) {
  for (const Shape& addend : {Shape{21}, Shape{1, 21}, Shape{1}, Shape{}, Shape{5, 21}}) {
    for (const bool constant : {false, true}) {
      ProblemCase c{.op = "Gemm"};
      c.inputs = {random_floats({5, 9}, 1), random_floats({21, 9}, 2), random_floats(addend, 3)};
      c.constant = {false, constant, constant};
      c.attrs.set("transB", int64_t{1});
      c.attrs.set("alpha", 0.5F);
      if (addend.num_elements() <= 21) c.attrs.set("beta", 3.0F);
      expect_matches_reference(kTactic, c, kOptions);
    }
  }
}

TEST(F32Gemm, RefusesWhatItCannotDo) {
  ProblemCase c = fused(5, 9, 21);
  c.attrs.set("transA", int64_t{1});
  c.inputs[0] = random_floats({9, 5}, 1);
  const auto outputs = testing::reference_of(c);
  EXPECT_FALSE(
      find_tactic(kTactic)->supports(testing::make_problem(c, outputs), testing::target_with(Isa::kAvx512, 1)));
}

}  // namespace
}  // namespace burnish
