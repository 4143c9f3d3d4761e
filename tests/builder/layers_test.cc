#include "builder/layers.h"

#include "builder_case.h"

namespace burnish {
namespace {

std::map<std::string, Layer> layers_by_op(TestCompiler& compiler, const Graph& graph) {
  std::map<std::string, Layer> layers;
  for (const Layer& l : find_layers(graph, compiler.profile())) layers[l.name] = l;
  return layers;
}

TEST(Layers, ConvolutionsAreCountedAtOptShapes) {
  TestCompiler c(R"(graph "g" {
    input %x: float32[n,4,10,9]
    const %w: float32[8,4,3,3]
    const %d: float32[8,1,3,3]
    const %g: float32[6,4,1,1]
    %a = Conv(%x, %w) {pads=[1,1,1,1]} "dense"
    %b = Conv(%a, %d) {group=8, strides=[2,2]} "depthwise"
    %y = Conv(%b, %g) {group=2} "grouped"
    output "y" = %y
  })",
                 "x=1x4x10x9:5x4x10x9:7x4x10x9");
  const Graph graph = c.optimised();
  const auto layers = layers_by_op(c, graph);
  ASSERT_EQ(layers.size(), 3U);
  EXPECT_EQ(layers.at("dense").macs, 5.0 * 8 * 10 * 9 * 4 * 9);
  EXPECT_EQ(layers.at("depthwise").macs, 5.0 * 8 * 4 * 4 * 9);
  EXPECT_EQ(layers.at("grouped").macs, 5.0 * 6 * 4 * 4 * 4);
  EXPECT_EQ(layers.at("grouped").groups, 2);
  EXPECT_EQ(layers.at("depthwise").channel_axis, 0);
  EXPECT_EQ(layers.at("depthwise").input_channel_axis, -1);
  EXPECT_EQ(count_macs(graph, c.profile()),
            layers.at("dense").macs + layers.at("depthwise").macs + layers.at("grouped").macs);
}

TEST(Layers, ProductsOfActivationsAreCountedButAreNoLayers) {
  TestCompiler c(R"(graph "g" {
    input %x: float32[n,s,6]
    input %z: float32[n,6,s]
    const %w: float32[6,5]
    const %v: float32[3,5]
    %a = MatMul(%x, %w) "product"
    const %shape: int64[2] = {-1, 5}
    %r = Reshape(%a, %shape) "flat"
    %b = Gemm(%r, %v) {transB=1} "gemm"
    %q = MatMul(%x, %z) "scores"
    output "b" = %b
    output "q" = %q
  })",
                 "x=1x2x6:3x7x6:4x9x6");
  const Graph graph = c.optimised();
  const auto layers = layers_by_op(c, graph);
  ASSERT_EQ(layers.size(), 2U);
  EXPECT_EQ(layers.at("product").macs, 3.0 * 7 * 6 * 5);
  EXPECT_EQ(layers.at("product").channel_axis, 1);
  EXPECT_EQ(layers.at("gemm").macs, 3.0 * 7 * 5 * 3);
  EXPECT_EQ(graph.value(graph.node(layers.at("gemm").node).output()).name, layers.at("gemm").output);
  EXPECT_EQ(count_macs(graph, c.profile()), 3.0 * 7 * (6 * 5 + 5 * 3 + 7 * 6));
}

TEST(Layers, OtherConvolutionsAreCountedButAreNoLayers) {
  TestCompiler c(R"(graph "g" {
    input %x: float32[n,4,5,5]
    const %w: float32[4,2,3,3]
    %y = ConvTranspose(%x, %w)
    output "y" = %y
  })",
                 "x=1x4x5x5:3x4x5x5:4x4x5x5");
  const Graph graph = c.optimised();
  EXPECT_TRUE(find_layers(graph, c.profile()).empty());
  EXPECT_EQ(count_macs(graph, c.profile()), 3.0 * 4 * 25 * 2 * 9);
}

TEST(Layers, WhatTheModelQuantisedItselfIsLeftAlone) {
  TestCompiler c(R"(graph "g" {
    input %x: float32[n,6]
    const %s: float32[] = {0.1}
    const %u: uint8[] = {128}
    const %ws: float32[] = {0.02}
    const %wz: int8[] = {0}
    const %w: int8[6,5]
    const %v: float32[5,4]
    %q = QuantizeLinear(%x, %s, %u)
    %d = DequantizeLinear(%q, %s, %u)
    %f = DequantizeLinear(%w, %ws, %wz)
    %a = MatMul(%d, %f) "theirs"
    %aq = QuantizeLinear(%a, %s, %u)
    %ad = DequantizeLinear(%aq, %s, %u)
    %y = MatMul(%ad, %v) "mixed"
    %z = Relu(%y)
    const %k: float32[4,4]
    %zw = MatMul(%z, %k) "ours"
    output "y" = %zw
  })",
                 "x=2x6");
  const auto layers = layers_by_op(c, c.optimised());
  EXPECT_FALSE(layers.contains("theirs"));
  EXPECT_TRUE(layers.contains("ours"));
}

TEST(Layers, NamelessNodesAreKnownByTheirOutputs) {
  TestCompiler c(R"(graph "g" {
    input %x: float32[2,6]
    const %w: float32[6,5]
    %product = MatMul(%x, %w)
    output "y" = %product
  })",
                 "x=2x6");
  const auto layers = find_layers(c.optimised(), c.profile());
  ASSERT_EQ(layers.size(), 1U);
  EXPECT_EQ(layers[0].name, layers[0].output);
}

}  // namespace
}  // namespace burnish
