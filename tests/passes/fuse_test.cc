// Folding into and around convolutions and products, and pointwise trees.
#include <gtest/gtest.h>

#include "pass_tester.h"

namespace burnish {
namespace {

const std::string kGeometry = "dilations=[1,1], group=1, kernel_shape=[3,3], pads=[1,1,1,1]";

TEST(FoldBatchNorm, BehindConv) {
  expect_rewrite("fold_batch_norm", R"(graph "g" {
    input %x: float32[n,3,5,5]
    const %w: float32[4,3,3,3]
    const %b: float32[4]
    const %gamma: float32[4] = {1, 2, -1, 0.5}
    const %beta: float32[4] = {0, 1, 2, 3}
    const %mean: float32[4] = {0.5, -1, 0, 2}
    const %var: float32[4] = {1, 2, 0.25, 4}
    %c = Conv(%x, %w, %b) {pads=[1,1,1,1]}
    %y = BatchNormalization(%c, %gamma, %beta, %mean, %var) {epsilon=0.001}
    output "y" = %y
  })",
                 {"%0 = Conv(x, float32[4,3,3,3], {-0.1094,1.748,1.593,2.512}) {pads=[1,1,1,1]}", "y = %0"});
}

TEST(FoldBatchNorm, BehindGroupedConvTranspose) {
  expect_rewrite("fold_batch_norm", R"(graph "g" {
    input %x: float32[n,4,3,3]
    const %w: float32[4,3,2,2]
    const %gamma: float32[6] = {1, 2, -1, 0.5, 3, 1}
    const %beta: float32[6] = {0, 1, 2, 3, 4, 5}
    const %mean: float32[6] = {0, 0, 0, 0, 0, 0}
    const %var: float32[6] = {1, 1, 1, 1, 1, 1}
    %c = ConvTranspose(%x, %w) {group=2}
    %y = BatchNormalization(%c, %gamma, %beta, %mean, %var) {epsilon=0.0}
    output "y" = %y
  })",
                 {"%0 = ConvTranspose(x, float32[4,3,2,2], {0,1,2,3,4,5}) {group=2}", "y = %0"});
}

TEST(FoldBatchNorm, BeforeUnpaddedConv) {
  expect_rewrite("fold_batch_norm", R"(graph "g" {
    input %x: float32[n,4,3,3]
    const %gamma: float32[4] = {1, 2, -1, 0.5}
    const %beta: float32[4] = {0, 1, 2, 3}
    const %mean: float32[4] = {0, 0.5, 0, 1}
    const %var: float32[4] = {1, 2, 3, 4}
    const %w: float32[2,2,2,2]
    %n = BatchNormalization(%x, %gamma, %beta, %mean, %var)
    %y = Conv(%n, %w) {group=2}
    output "y" = %y
  })",
                 {"%0 = Conv(x, float32[2,2,2,2], {-0.08679,0.8502}) {group=2}", "y = %0"});
}

TEST(FoldBatchNorm, AloneBecomesMulAndAdd) {
  expect_rewrite("fold_batch_norm", R"(graph "g" {
    input %x: float32[n,2,3]
    const %gamma: float32[2] = {1, 2}
    const %beta: float32[2] = {3, 4}
    const %mean: float32[2] = {1, 1}
    const %var: float32[2] = {1, 4}
    %y = BatchNormalization(%x, %gamma, %beta, %mean, %var) {epsilon=0.0}
    output "y" = %y
  })",
                 {"%0 = Mul(x, {1,1})", "%1 = Add(%0, {2,3})", "y = %1"});
}

TEST(FoldBatchNorm, ConvReadTwiceKeepsItsValue) {
  expect_rewrite("fold_batch_norm", R"(graph "g" {
    input %x: float32[n,1,3]
    const %w: float32[2,1,1] = {1, 2}
    const %gamma: float32[2] = {1, 2}
    const %beta: float32[2] = {3, 4}
    const %mean: float32[2] = {1, 1}
    const %var: float32[2] = {1, 4}
    %c = Conv(%x, %w)
    %y = BatchNormalization(%c, %gamma, %beta, %mean, %var) {epsilon=0.0}
    output "y" = %y
    output "c" = %c
  })",
                 {"%0 = Conv(x, {1,2})", "%1 = Mul(%0, {1,1})", "%2 = Add(%1, {2,3})", "y = %2", "c = %0"});
}

TEST(FoldBatchNorm, ChannelFactorsAndBias) {
  expect_rewrite("fold_batch_norm", R"(graph "g" {
    input %x: float32[n,1,3,3]
    const %w: float32[2,1,1,1] = {1, 2}
    const %f: float32[1,2,1,1] = {2, 3}
    const %b: float32[2,1,1] = {5, 7}
    %c = Conv(%x, %w)
    %m = Mul(%c, %f)
    %y = Add(%b, %m)
    output "y" = %y
  })",
                 {"%0 = Conv(x, {2,6}, {5,7})", "y = %0"});
}

TEST(FuseConvEpilogue, ActivationAndResidualsOnEitherSide) {
  expect_rewrite("fuse_conv_epilogue", R"(graph "g" {
    input %x: float32[n,4,5,5]
    const %w: float32[4,4,3,3]
    const %b: float32[4] = {1, 2, 3, 4}
    %c = Conv(%x, %w, %b) {pads=[1,1,1,1]}
    %s = Add(%x, %c)
    %r = Relu(%s)
    %d = Conv(%r, %w) {pads=[1,1,1,1]}
    %e = Swish(%d)
    %y = Add(%e, %r)
    output "y" = %y
  })",
                 {"%0 = FusedConv(x, float32[4,4,3,3], {1,2,3,4}, x) {activation=\"relu\", " + kGeometry +
                      ", residual=\"before\", strides=[1,1]}",
                  "%1 = FusedConv(%0, float32[4,4,3,3], _, %0) {activation=\"silu\", " + kGeometry +
                      ", residual=\"after\", strides=[1,1]}",
                  "y = %1"});
}

TEST(FuseConvEpilogue, ClipWithConstantBounds) {
  expect_rewrite(
      "fuse_conv_epilogue", R"(graph "g" {
    input %x: float32[n,2,5]
    const %w: float32[2,2,1] = {1, 2, 3, 4}
    const %low: float32[] = {0}
    const %high: float32[] = {6}
    %c = Conv(%x, %w)
    %y = Clip(%c, %low, %high)
    output "y" = %y
  })",
      {"%0 = FusedConv(x, {1,2,3,4}) {act_alpha=0.0, act_beta=6.0, activation=\"clip\", dilations=[1], group=1, "
       "kernel_shape=[1], pads=[0,0], strides=[1]}",
       "y = %0"});
}

TEST(FuseConvEpilogue, PaddingInFrontAndAutomaticPadding) {
  expect_rewrite(
      "fuse_conv_epilogue", R"(graph "g" {
    input %x: float32[n,1,5]
    const %pads: int64[6] = {0, 0, 1, 0, 0, 2}
    const %zero: float32[] = {0}
    const %w: float32[1,1,4] = {1, 2, 3, 4}
    %p = Pad(%x, %pads, %zero)
    %c = Conv(%p, %w) {strides=[2], pads=[1,0]}
    %y = Conv(%c, %w) {auto_pad="SAME_UPPER", strides=[2]}
    output "y" = %y
  })",
      {"%0 = FusedConv(x, {1,2,3,4}) {dilations=[1], group=1, kernel_shape=[4], pads=[2,2], strides=[2]}",
       "%1 = FusedConv(%0, {1,2,3,4}) {dilations=[1], group=1, kernel_shape=[4], pads=[1,2], strides=[2]}", "y = %1"});
}

TEST(FuseConvEpilogue, AutomaticPaddingOfUnknownSizes) {
  const std::string text = R"(graph "g" {
    input %x: float32[n,1,width]
    const %w: float32[1,1,4] = {1, 2, 3, 4}
    %y = Conv(%x, %w) {auto_pad="SAME_LOWER", strides=[STRIDE]}
    output "y" = %y
  })";
  const auto with_stride = [&](const std::string& stride) {
    return std::string(text).replace(text.find("STRIDE"), 6, stride);
  };
  expect_rewrite(
      "fuse_conv_epilogue", with_stride("1"),
      {"%0 = FusedConv(x, {1,2,3,4}) {dilations=[1], group=1, kernel_shape=[4], pads=[2,1], strides=[1]}", "y = %0"});
  expect_unchanged("fuse_conv_epilogue", with_stride("2"));
}

TEST(FuseConvEpilogue, BroadcastingAndSharedResultsStay) {
  expect_rewrite("fuse_conv_epilogue", R"(graph "g" {
    input %x: float32[n,2,5]
    input %z: float32[n,2,1]
    const %w: float32[2,2,1] = {1, 2, 3, 4}
    %c = Conv(%x, %w)
    %s = Add(%c, %z)
    %d = Conv(%s, %w)
    %r = Relu(%d)
    %y = Add(%r, %d)
    output "y" = %y
  })",
                 {"%0 = FusedConv(x, {1,2,3,4}) {dilations=[1], group=1, kernel_shape=[1], pads=[0,0], strides=[1]}",
                  "%1 = Add(%0, z)",
                  "%2 = FusedConv(%1, {1,2,3,4}) {dilations=[1], group=1, kernel_shape=[1], pads=[0,0], strides=[1]}",
                  "%3 = Relu(%2)", "%4 = Add(%3, %2)", "y = %4"});
}

TEST(FuseConvEpilogue, OfTwoSummandsTheLaterAbsorbs) {
  expect_rewrite("fuse_conv_epilogue", R"(graph "g" {
    input %x: float32[n,1,5]
    const %w: float32[1,1,1] = {2}
    const %v: float32[1,1,1] = {3}
    %a = Conv(%x, %w)
    %b = Conv(%x, %v)
    %s = Add(%a, %b)
    %y = Relu(%s)
    output "y" = %y
  })",
                 {"%0 = FusedConv(x, {2}) {dilations=[1], group=1, kernel_shape=[1], pads=[0,0], strides=[1]}",
                  "%1 = FusedConv(x, {3}, _, %0) {activation=\"relu\", dilations=[1], group=1, kernel_shape=[1], "
                  "pads=[0,0], residual=\"before\", strides=[1]}",
                  "y = %1"});
}

TEST(FuseMatMulEpilogue, BiasActivationResidual) {
  expect_rewrite(
      "fuse_matmul_epilogue", R"(graph "g" {
    input %x: float32[n,s,3]
    const %w: float32[3,3]
    const %b: float32[3] = {1, 2, 3}
    %m = MatMul(%x, %w)
    %a = Add(%b, %m)
    %r = Add(%a, %x)
    %y = Gelu(%r)
    output "y" = %y
  })",
      {"%0 = FusedMatMul(x, float32[3,3], {1,2,3}, x) {activation=\"gelu\", residual=\"before\"}", "y = %0"});
}

TEST(FuseMatMulEpilogue, GemmWithScaledBias) {
  expect_rewrite("fuse_matmul_epilogue", R"(graph "g" {
    input %x: float32[n,2]
    const %w: float32[3,2] = {1, 2, 3, 4, 5, 6}
    const %c: float32[1,3] = {1, 2, 3}
    const %s: float32[] = {0.5}
    %g = Gemm(%x, %w, %c) {alpha=2.0, beta=3.0, transB=1}
    %h = Mul(%g, %s)
    %y = Tanh(%h)
    output "y" = %y
  })",
                 {"%0 = FusedMatMul(x, {1,2,3,4,5,6}, {1.5,3,4.5}) {activation=\"tanh\", transB=1}", "y = %0"});
}

TEST(FuseMatMulEpilogue, TransposedOperandsAndScale) {
  expect_rewrite("fuse_matmul_epilogue", R"(graph "g" {
    input %a: float32[n,h,2,3]
    input %b: float32[n,h,4,3]
    const %s: float32[] = {4}
    %t = Transpose(%b) {perm=[0,1,3,2]}
    %m = MatMul(%a, %t)
    %y = Div(%m, %s)
    output "y" = %y
  })",
                 {"%0 = FusedMatMul(a, b) {alpha=0.25, transB=1}", "y = %0"});
}

TEST(FuseMatMulEpilogue, FullMatrixOfGemmIsAResidual) {
  expect_unchanged("fuse_matmul_epilogue", R"(graph "g" {
    input %x: float32[2,2]
    input %c: float32[2,3]
    const %w: float32[2,3] = {1, 2, 3, 4, 5, 6}
    %y = Gemm(%x, %w, %c) {beta=3.0}
    output "y" = %y
  })");
}

TEST(HoistActivations, InFrontOfViews) {
  expect_rewrite("hoist_activations", R"(graph "g" {
    input %x: float32[n,1,4]
    const %w: float32[6,1,1]
    const %shape: int64[4] = {0, 2, 3, 4}
    %c = Conv(%x, %w)
    %v = Reshape(%c, %shape)
    %t = Transpose(%v) {perm=[0,1,3,2]}
    %y = Sigmoid(%t)
    output "y" = %y
  })",
                 {"%0 = Conv(x, {-0.3927,-0.4944,-0.0353,-0.4272,0.2289,0.2067})", "%1 = Sigmoid(%0)",
                  "%2 = Reshape(%1, {0,2,3,4})", "%3 = Transpose(%2) {perm=[0,1,3,2]}", "y = %3"});
}

TEST(FusePointwise, TreesWithBroadcastsAndLiterals) {
  expect_rewrite("fuse_pointwise", R"(graph "g" {
    input %x: float32[n,3]
    input %z: float32[n,1]
    const %c: float32[3] = {1, 2, 3}
    const %two: float32[] = {2}
    %a = Add(%x, %c)
    %b = Mul(%a, %z)
    %p = Pow(%b, %two)
    %s = Sigmoid(%p)
    %q = Sub(%s, %two)
    %y = Mul(%q, %p)
    output "y" = %y
  })",
                 {"%0 = Pointwise(x, {1,2,3}, z) {program=[\"add i0 i1\",\"mul t0 i2\",\"mul t1 t1\",\"sigmoid t2\","
                  "\"sub t3 #2\",\"mul t4 t2\"]}",
                  "y = %0"});
}

TEST(FusePointwise, SharedAndSmallerResultsStayOutside) {
  expect_rewrite("fuse_pointwise", R"(graph "g" {
    input %x: float32[n,3]
    input %z: float32[n,1]
    %small = Exp(%z)
    %shared = Relu(%x)
    %a = Mul(%shared, %small)
    %y = Neg(%a)
    %v = Softmax(%shared) {axis=-1}
    output "y" = %y
    output "v" = %v
  })",
                 {"%0 = Exp(z)", "%1 = Relu(x)", "%2 = Softmax(%1) {axis=-1}",
                  "%3 = Pointwise(%1, %0) {program=[\"mul i0 i1\",\"neg t0\"]}", "y = %3", "v = %2"});
}

TEST(FusePointwise, OnlyFloats) {
  expect_unchanged("fuse_pointwise", R"(graph "g" {
    input %x: int64[n,3]
    %a = Add(%x, %x)
    %y = Neg(%a)
    output "y" = %y
  })");
}

}  // namespace
}  // namespace burnish
