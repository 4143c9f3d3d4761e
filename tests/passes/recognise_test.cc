// The passes that find whole operators in what exporters took apart.
#include <gtest/gtest.h>

#include "pass_tester.h"

namespace burnish {
namespace {

TEST(RecogniseLayerNorm, WithScaleAndBias) {
  expect_rewrite("recognise_layer_norm", R"(graph "g" {
    input %x: float32[n,3,6]
    const %axes: int64[1] = {-1}
    const %two: float32[] = {2}
    const %eps: float32[] = {0.001}
    const %gamma: float32[6] = {1, 2, 3, 4, 5, 6}
    const %beta: float32[6] = {6, 5, 4, 3, 2, 1}
    %mean = ReduceMean(%x, %axes) {keepdims=1}
    %d = Sub(%x, %mean)
    %sq = Pow(%d, %two)
    %var = ReduceMean(%sq, %axes) {keepdims=1}
    %v = Add(%var, %eps)
    %s = Sqrt(%v)
    %n = Div(%d, %s)
    %g = Mul(%n, %gamma)
    %y = Add(%g, %beta)
    output "y" = %y
  })",
                 {"%0 = LayerNormalization(x, {1,2,3,4,5,6}, {6,5,4,3,2,1}) {axis=2, epsilon=0.001}", "y = %0"});
}

TEST(RecogniseLayerNorm, WithoutParametersOverTwoAxes) {
  expect_rewrite("recognise_layer_norm", R"(graph "g" {
    input %x: float32[n,2,3]
    const %axes: int64[2] = {1, 2}
    const %eps: float32[] = {0.5}
    %mean = ReduceMean(%x, %axes) {keepdims=1}
    %d = Sub(%x, %mean)
    %sq = Mul(%d, %d)
    %var = ReduceMean(%sq, %axes) {keepdims=1}
    %v = Add(%eps, %var)
    %s = Sqrt(%v)
    %r = Reciprocal(%s)
    %y = Mul(%d, %r)
    output "y" = %y
  })",
                 {"%0 = LayerNormalization(x, {1,1,1,1,1,1}) {axis=1, epsilon=0.5}", "y = %0"});
}

TEST(RecogniseLayerNorm, OtherAxesStay) {
  expect_unchanged("recognise_layer_norm", R"(graph "g" {
    input %x: float32[n,2,3]
    const %axes: int64[1] = {1}
    const %eps: float32[] = {0.5}
    %mean = ReduceMean(%x, %axes) {keepdims=1}
    %d = Sub(%x, %mean)
    %sq = Mul(%d, %d)
    %var = ReduceMean(%sq, %axes) {keepdims=1}
    %v = Add(%eps, %var)
    %s = Sqrt(%v)
    %y = Div(%d, %s)
    output "y" = %y
  })");
}

TEST(RecogniseSoftmax, WithMaximum) {
  expect_rewrite("recognise_softmax", R"(graph "g" {
    input %x: float32[n,5]
    const %axes: int64[1] = {1}
    %m = ReduceMax(%x, %axes) {keepdims=1}
    %d = Sub(%x, %m)
    %e = Exp(%d)
    %s = ReduceSum(%e, %axes) {keepdims=1}
    %y = Div(%e, %s)
    output "y" = %y
  })",
                 {"%0 = Softmax(x) {axis=1}", "y = %0"});
}

TEST(RecogniseSoftmax, WithoutMaximum) {
  expect_rewrite("recognise_softmax", R"(graph "g" {
    input %x: float32[n,5]
    const %axes: int64[1] = {0}
    %e = Exp(%x)
    %s = ReduceSum(%e, %axes) {keepdims=1}
    %y = Div(%e, %s)
    output "y" = %y
  })",
                 {"%0 = Softmax(x) {axis=0}", "y = %0"});
}

TEST(RecogniseGelu, ByErfInEveryOrder) {
  expect_rewrite("recognise_gelu", R"(graph "g" {
    input %x: float32[n,5]
    const %root: float32[] = {1.41421354}
    const %one: float32[] = {1}
    const %half: float32[] = {0.5}
    %u = Div(%x, %root)
    %e = Erf(%u)
    %p = Add(%e, %one)
    %m = Mul(%x, %p)
    %y = Mul(%m, %half)
    output "y" = %y
  })",
                 {"%0 = Gelu(x) {approximate=\"none\"}", "y = %0"});
  expect_rewrite("recognise_gelu", R"(graph "g" {
    input %x: float32[n,5]
    const %root: float32[] = {0.707106769}
    const %one: float32[1] = {1}
    const %half: float32[] = {0.5}
    %u = Mul(%x, %root)
    %e = Erf(%u)
    %p = Add(%one, %e)
    %m = Mul(%half, %x)
    %y = Mul(%m, %p)
    output "y" = %y
  })",
                 {"%0 = Gelu(x) {approximate=\"none\"}", "y = %0"});
}

TEST(RecogniseGelu, ByTanh) {
  expect_rewrite("recognise_gelu", R"(graph "g" {
    input %x: float32[n,5]
    const %three: float32[] = {3}
    const %cubic: float32[] = {0.044715}
    const %root: float32[] = {0.797884583}
    const %one: float32[] = {1}
    const %half: float32[] = {0.5}
    %h = Mul(%half, %x)
    %c = Pow(%x, %three)
    %k = Mul(%cubic, %c)
    %s = Add(%x, %k)
    %u = Mul(%root, %s)
    %t = Tanh(%u)
    %p = Add(%one, %t)
    %y = Mul(%h, %p)
    output "y" = %y
  })",
                 {"%0 = Gelu(x) {approximate=\"tanh\"}", "y = %0"});
  expect_rewrite("recognise_gelu", R"(graph "g" {
    input %x: float32[n,5]
    const %cubic: float32[] = {0.044715}
    const %root: float32[] = {0.797884583}
    const %one: float32[] = {1}
    const %half: float32[] = {0.5}
    %a = Mul(%x, %root)
    %b = Mul(%x, %cubic)
    %c = Mul(%b, %x)
    %d = Add(%c, %one)
    %u = Mul(%a, %d)
    %t = Tanh(%u)
    %p = Add(%t, %one)
    %h = Mul(%x, %half)
    %y = Mul(%h, %p)
    output "y" = %y
  })",
                 {"%0 = Gelu(x) {approximate=\"tanh\"}", "y = %0"});
}

TEST(RecogniseGelu, OtherConstantsStay) {
  expect_unchanged("recognise_gelu", R"(graph "g" {
    input %x: float32[n,5]
    const %root: float32[] = {1.5}
    const %one: float32[] = {1}
    const %half: float32[] = {0.5}
    %u = Div(%x, %root)
    %e = Erf(%u)
    %p = Add(%e, %one)
    %m = Mul(%x, %p)
    %y = Mul(%m, %half)
    output "y" = %y
  })");
}

TEST(RecogniseSilu, EitherOrder) {
  expect_rewrite("recognise_silu", R"(graph "g" {
    input %x: float32[n,5]
    %s = Sigmoid(%x)
    %a = Mul(%x, %s)
    %t = Sigmoid(%a)
    %y = Mul(%t, %a)
    output "y" = %y
  })",
                 {"%0 = Swish(x)", "%1 = Swish(%0)", "y = %1"});
}

TEST(RecogniseSilu, AnotherGateStays) {
  expect_unchanged("recognise_silu", R"(graph "g" {
    input %x: float32[n,5]
    input %z: float32[n,5]
    %s = Sigmoid(%x)
    %y = Mul(%z, %s)
    output "y" = %y
  })");
}

TEST(RecogniseHardswish, ByClip) {
  expect_rewrite("recognise_hardswish", R"(graph "g" {
    input %x: float32[n,5]
    const %three: float32[] = {3}
    const %zero: float32[] = {0}
    const %six: float32[] = {6}
    %a = Add(%x, %three)
    %c = Clip(%a, %zero, %six)
    %m = Mul(%x, %c)
    %y = Div(%m, %six)
    output "y" = %y
  })",
                 {"%0 = HardSwish(x)", "y = %0"});
}

TEST(RecogniseHardswish, ByHardSigmoidInTwoSteps) {
  expect_rewrite("recognise_hardswish", R"(graph "g" {
    input %x: float32[n,5]
    const %three: float32[] = {3}
    const %zero: float32[] = {0}
    const %six: float32[] = {6}
    %a = Add(%x, %three)
    %c = Clip(%a, %zero, %six)
    %s = Div(%c, %six)
    %y = Mul(%x, %s)
    output "y" = %y
  })",
                 {"%0 = HardSwish(x)", "y = %0"});
}

TEST(RecogniseReshapingGather, MaskByBatchAndPosition) {
  expect_rewrite("recognise_reshaping_gather", R"(graph "g" {
    input %mask: bool[batch,seq]
    const %zero: int64[] = {0}
    const %one: int64[] = {1}
    const %first: int64[1] = {0}
    const %after_batch: int64[1] = {1}
    const %b_axes: int64[4] = {1, 2, 3, 4}
    const %s_axes: int64[4] = {0, 1, 2, 4}
    %s0 = Shape(%mask) {start=0, end=1}
    %s1 = Shape(%mask) {start=1, end=2}
    %b = Squeeze(%s0, %first)
    %s = Squeeze(%s1, %first)
    %rb = Range(%zero, %b, %one)
    %rs = Range(%zero, %s, %one)
    %ib = Unsqueeze(%rb, %b_axes)
    %is = Unsqueeze(%rs, %s_axes)
    const %tail: int64[3] = {1, 1, 1}
    %to = Concat(%s0, %after_batch, %after_batch, %s1, %after_batch) {axis=0}
    %eb = Expand(%ib, %to)
    %es = Expand(%is, %to)
    %index = Concat(%eb, %es) {axis=-1}
    %y = GatherND(%mask, %index) {batch_dims=0}
    output "y" = %y
  })",
                 {"%0 = Reshape(mask, {0,1,1,-1})", "y = %0"});
}

TEST(RecogniseReshapingGather, ConstantIndices) {
  expect_rewrite("recognise_reshaping_gather", R"(graph "g" {
    input %x: float32[2,2,5]
    const %pairs: int64[4,1,2] = {0, 0, 0, 1, 1, 0, 1, 1}
    const %rows: int64[2,2] = {0, 1, 2, 3}
    %a = GatherND(%x, %pairs)
    const %flat: int64[2] = {4, 5}
    %b = Reshape(%a, %flat)
    %y = Gather(%b, %rows)
    output "y" = %y
  })",
                 {"%0 = Reshape(x, {2,2,5})", "y = %0"}, {"eliminate_dead_code", "canonicalise_views"});
}

TEST(RecogniseReshapingGather, AnotherOrderStays) {
  expect_unchanged("recognise_reshaping_gather", R"(graph "g" {
    input %x: float32[6,2]
    const %index: int64[6] = {0, 1, 2, 3, 5, 4}
    %y = Gather(%x, %index) {axis=0}
    output "y" = %y
  })");
}

}  // namespace
}  // namespace burnish
