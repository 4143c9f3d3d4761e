// Models that carry QuantizeLinear and DequantizeLinear.
#include <gtest/gtest.h>

#include "ir/text.h"
#include "pass_tester.h"

namespace burnish {
namespace {

using Ops = std::vector<std::string>;

/// Operators and element types of what the whole pipeline makes of the text, which must mean the same up to one step
/// of the output's scale.
Ops optimised(std::string_view text, double tolerance = 0.02) {
  Graph original = parse_graph(text);
  original.infer();
  Graph graph = original;
  PipelineOptions options;
  options.verify = true;
  run_passes(graph, options);
  expect_same_numbers(original, graph, random_inputs(original), tolerance);
  Ops lines;
  for (NodeId id : graph.topological_order()) {
    const Node& n = graph.node(id);
    lines.push_back(n.op + " " + std::string(name_of(graph.value(n.output()).type.dtype)));
  }
  return lines;
}

TEST(FuseQuantization, AConvolutionBetweenThemComputesOnIntegers) {
  EXPECT_EQ(optimised(R"(graph "g" {
    input %x: float32[1,4,3,3]
    const %s: float32[] = {0.05}
    const %z: uint8[] = {120}
    const %w: int8[2,4,1,1] = {1, -2, 3, 4, -5, 60, 7, -128}
    const %ws: float32[2] = {0.01, 0.02}
    const %wz: int8[2] = {0, 0}
    const %b: float32[2] = {0.5, -0.25}
    const %ys: float32[] = {0.04}
    const %yz: uint8[] = {10}
    %q = QuantizeLinear(%x, %s, %z)
    %d = DequantizeLinear(%q, %s, %z)
    %wd = DequantizeLinear(%w, %ws, %wz) {axis=0}
    %c = Conv(%d, %wd, %b)
    %r = Relu(%c)
    %p = QuantizeLinear(%r, %ys, %yz)
    %y = DequantizeLinear(%p, %ys, %yz)
    output "y" = %y
  })"),
            (Ops{"QuantizeLinear uint8", "FusedConv uint8", "DequantizeLinear float32"}));
}

TEST(FuseQuantization, NormalisationBehindStoredWeightsGoesIntoTheirScales) {
  EXPECT_EQ(optimised(R"(graph "g" {
    input %x: float32[1,4,3,3]
    const %s: float32[] = {0.05}
    const %z: uint8[] = {120}
    const %w: int8[2,4,1,1] = {1, -2, 3, 4, -5, 60, 7, -128}
    const %ws: float32[] = {0.01}
    const %wz: int8[] = {0}
    const %gamma: float32[2] = {1.5, -0.5}
    const %beta: float32[2] = {0.25, 1}
    const %mean: float32[2] = {0.1, -0.2}
    const %variance: float32[2] = {0.5, 2}
    const %ys: float32[] = {0.04}
    const %yz: uint8[] = {10}
    %q = QuantizeLinear(%x, %s, %z)
    %d = DequantizeLinear(%q, %s, %z)
    %wd = DequantizeLinear(%w, %ws, %wz)
    %c = Conv(%d, %wd)
    %n = BatchNormalization(%c, %gamma, %beta, %mean, %variance)
    %r = Relu(%n)
    %p = QuantizeLinear(%r, %ys, %yz)
    %y = DequantizeLinear(%p, %ys, %yz)
    output "y" = %y
  })"),
            (Ops{"QuantizeLinear uint8", "FusedConv uint8", "DequantizeLinear float32"}));
}

TEST(FuseQuantization, SignedActivationsBecomeUnsigned) {
  EXPECT_EQ(optimised(R"(graph "g" {
    input %x: float32[2,4]
    const %s: float32[] = {0.05}
    const %z: int8[] = {-3}
    const %w: uint8[4,3] = {128, 129, 130, 1, 255, 120, 128, 100, 90, 140, 150, 160}
    const %ws: float32[] = {0.02}
    const %wz: uint8[] = {128}
    %q = QuantizeLinear(%x, %s, %z)
    %d = DequantizeLinear(%q, %s, %z)
    %wd = DequantizeLinear(%w, %ws, %wz)
    %y = MatMul(%d, %wd)
    output "y" = %y
  })",
                      1e-5),
            (Ops{"QuantizeLinear uint8", "FusedMatMul float32"}));
}

TEST(FuseQuantization, NothingIsConvertedWhereElementsOnlyMove) {
  EXPECT_EQ(optimised(R"(graph "g" {
    input %x: float32[1,4,4,4]
    const %s: float32[] = {0.05}
    const %z: uint8[] = {120}
    const %shape: int64[2] = {4, 4}
    %q = QuantizeLinear(%x, %s, %z)
    %d = DequantizeLinear(%q, %s, %z)
    %m = MaxPool(%d) {kernel_shape=[2,2], strides=[2,2]}
    %q2 = QuantizeLinear(%m, %s, %z)
    %d2 = DequantizeLinear(%q2, %s, %z)
    %v = Reshape(%d2, %shape)
    %q3 = QuantizeLinear(%v, %s, %z)
    %d3 = DequantizeLinear(%q3, %s, %z)
    output "y" = %d3
  })",
                      1e-6),
            (Ops{"QuantizeLinear uint8", "MaxPool uint8", "Reshape uint8", "DequantizeLinear float32"}));
}

TEST(FuseQuantization, AdditionsReadAndWriteIntegers) {
  EXPECT_EQ(optimised(R"(graph "g" {
    input %x: float32[2,4]
    const %s: float32[] = {0.05}
    const %z: uint8[] = {120}
    const %t: float32[] = {0.08}
    const %tz: uint8[] = {100}
    %q = QuantizeLinear(%x, %s, %z)
    %d = DequantizeLinear(%q, %s, %z)
    %q2 = QuantizeLinear(%x, %t, %tz)
    %d2 = DequantizeLinear(%q2, %t, %tz)
    %a = Add(%d, %d2)
    %p = QuantizeLinear(%a, %t, %tz)
    %y = DequantizeLinear(%p, %t, %tz)
    output "y" = %y
  })"),
            (Ops{"QuantizeLinear uint8", "QuantizeLinear uint8", "Pointwise uint8", "DequantizeLinear float32"}));
}

TEST(FuseQuantization, WeightsAloneAreFolded) {
  EXPECT_EQ(optimised(R"(graph "g" {
    input %x: float32[2,4]
    const %w: int8[4,3] = {1, 2, 3, -4, 5, 6, 7, 8, -9, 1, 2, 3}
    const %ws: float32[3] = {0.02, 0.5, 0.25}
    const %wz: int8[3] = {0, 0, 0}
    %wd = DequantizeLinear(%w, %ws, %wz) {axis=1}
    %y = MatMul(%x, %wd)
    output "y" = %y
  })",
                      1e-6),
            (Ops{"FusedMatMul float32"}));
}

/// Zero points that differ from the middle would need sums over the activations: such weights are decoded.
TEST(FuseQuantization, AsymmetricWeightsAreFolded) {
  EXPECT_EQ(optimised(R"(graph "g" {
    input %x: float32[2,4]
    const %s: float32[] = {0.05}
    const %z: uint8[] = {120}
    const %w: uint8[4,1] = {1, 2, 3, 4}
    const %ws: float32[] = {0.02}
    const %wz: uint8[] = {7}
    %q = QuantizeLinear(%x, %s, %z)
    %d = DequantizeLinear(%q, %s, %z)
    %wd = DequantizeLinear(%w, %ws, %wz)
    %y = MatMul(%d, %wd)
    output "y" = %y
  })",
                      1e-5),
            (Ops{"QuantizeLinear uint8", "DequantizeLinear float32", "FusedMatMul float32"}));
}

TEST(FuseQuantization, RowsOfATableAreDequantisedAfterTheyArePicked) {
  EXPECT_EQ(optimised(R"(graph "g" {
    input %i: int64[2]
    const %t: uint8[1100000,1]
    const %s: float32[] = {0.05}
    const %z: uint8[] = {2}
    %d = DequantizeLinear(%t, %s, %z)
    %y = Gather(%d, %i)
    output "y" = %y
  })",
                      1e-6),
            (Ops{"Gather uint8", "DequantizeLinear float32"}));
}

TEST(FuseQuantization, TransposesPassThrough) {
  EXPECT_EQ(
      optimised(R"(graph "g" {
    input %x: float32[1,8,4,4]
    const %s: float32[] = {0.05}
    const %z: uint8[] = {120}
    const %w: int8[8,8,1,1]
    const %ws: float32[] = {0.01}
    const %wz: int8[] = {0}
    %q = QuantizeLinear(%x, %s, %z)
    %d = DequantizeLinear(%q, %s, %z)
    %wd = DequantizeLinear(%w, %ws, %wz)
    %c = Conv(%d, %wd)
    %q2 = QuantizeLinear(%c, %s, %z)
    %d2 = DequantizeLinear(%q2, %s, %z)
    %e = Conv(%d2, %wd)
    %y = Relu(%e)
    output "y" = %y
  })"),
      (Ops{"QuantizeLinear uint8", "Transpose uint8", "FusedConv uint8", "FusedConv float32", "Transpose float32"}));
}

}  // namespace
}  // namespace burnish
